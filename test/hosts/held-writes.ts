/** Holds statements of keepers in the database, on their way, until they are released. */
import type { Postgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

export interface HeldWrites {
  /** Resolves when one is held. */
  untilHeld(): Promise<void>
  /** Lets it go on, and those that come. */
  release(): Promise<void>
}

const HELD = `SELECT 1 FROM pg_stat_activity
  WHERE usename = 'evo_keeper' AND state = 'active' AND wait_event = 'PgSleep'`

/** @param when of a trigger of `evo_token.app`: which writes are held. */
export async function holdWrites(postgres: Postgres, when: string): Promise<HeldWrites> {
  // Each look of the loop sees what was committed since.
  await postgres.sql(`CREATE TABLE public.held (); INSERT INTO public.held DEFAULT VALUES;
    CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN
        WHILE EXISTS (SELECT FROM public.held) LOOP PERFORM pg_sleep(0.02); END LOOP;
        RETURN NEW;
      END $$;
    CREATE TRIGGER hold ${when} EXECUTE FUNCTION public.hold();
    SELECT 1`)
  return {
    untilHeld: () =>
      until('a statement is held', async () => (await postgres.sql(HELD)).length > 0),
    async release() {
      await postgres.sql('DELETE FROM public.held; SELECT 1')
    },
  }
}
