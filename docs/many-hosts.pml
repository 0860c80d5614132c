/*
 * A model of many keepers that share one app's session, for the model checker Spin.
 * docs/many-hosts-model.md says what it contains, what it leaves out, and how to run it: npm run model.
 *
 * One app. K machines run one keeper each. Every step below is one atomic step of the real protocol (one statement of the
 * database, one write of a disk, one request), so that a crash, a stop or a cut can come between any two of them.
 *
 * Time: one step, `time passes`, stands for more than every limit of the protocol at once: the 5 s that a question
 * holds, the gap of 60 s, the age at which a beat counts as old, the two minutes of watching a database. It may come
 * at any point, but not before each running keeper that reaches the database has published what its disk holds.
 *
 * Switches: FAULT_… puts that fault into the world. BREAK_n_… breaks rule n. DRAFT_… undoes an amendment that this
 * model asked for. K, FAULTS, WORDS and RECORDS bound the run; CALM checks that a keeper can become the home again.
 */
#ifndef K
#define K 2              /* keepers */
#endif
#ifndef FAULTS
#define FAULTS 2         /* faults in one run; what heals (start, resume, reconnect) is free */
#endif
#ifndef WORDS
#define WORDS 2          /* commands of people: move, take-over, login, logout */
#endif
#ifndef RECORDS
#define RECORDS 4        /* records that come into being: refresh, login, logout, refusal */
#endif
#define ALL_RECORDS (RECORDS + 3)   /* a rescue may add a login */

/* A pair (number, generation) in one byte: comparing bytes orders the number first. */
#define PAIR(no, gen) ((no) * 16 + (gen))
#define NO(pair) ((pair) / 16)
#define GEN(pair) ((pair) % 16)

#define NONE 0           /* no home, no record */

/* up */
#define DOWN 0
#define RUNNING 1
#define STOPPED 2        /* SIGSTOP, a sleep, a paused machine: memory stays */
#define STALLED 3        /* the same, for longer than every limit */

/* sure: how far a process is with rule 1's confirmation */
#define UNSURE 0
#define BEATEN 1         /* the statement that writes its beat is done */
#define WAITED 2         /* and nothing that was asked before that beat holds any more */
#define CONFIRMED 3      /* and a later statement read no row above its disk's pair */
#define HALTED 4         /* was confirmed; another process runs under its id (rule 8) */
#define HALTED_EARLY 5   /* the same, before it was confirmed */

/* stage of the one refresh in the app's queue */
#define IDLE 0
#define ASKING 1         /* marked on the disk; connected; the last question is put */
#define ACCEPTED 2       /* sent, and the server has given the token out: only this request's answer holds the new one */
#define REFUSED 3        /* sent, and the server says invalid_grant */
#define GIVING 4         /* it has read that another keeper asks for the app; its disk does not say so yet */

/* open: a command that has read the row and will swap on the revision that it read */
#define TAKE 1
#define LOGIN 2

/* what a record holds */
#define TOKEN 1
#define OUT 2            /* signed out */
#define LOST 3           /* the server refused the token: a person must sign in */

typedef Record {
  byte home;             /* id of the keeper that is the home */
  byte pair;
  byte rec;              /* which record: records are numbered in the order in which they come into being */
  bool mark;             /* a request was marked and not answered */
  byte moveTo            /* row only: a person asked for this move */
}

Record row[2];           /* the app's row at the primary; [1] at a second primary */
Record undone;           /* the row before its last change: what a failover goes back to */
Record disk[K];
Record late;             /* a statement whose connection died, and that commits later */
byte lateKind, lateBy;
#define LATE_PUBLISH 1
#define LATE_TAKE 2
#define LATE_LOGIN 3

byte up[K], sure[K], stage[K], opened[K], pending[K];
byte givesTo[K], givesNo[K]; /* the move that it carries out */
bool asked[K];           /* the last question was answered, or got no answer, less than 5 s ago */
bool stale[K];           /* the row got another revision since it was opened */
bool livened[K];         /* the home that is to be taken over wrote a beat since the row was opened */
byte from[K];            /* the first generation of this process's own records: the database's clock when it was confirmed */
bool handing[K];         /* on the disk: gave the home away, the row need not show it yet */
bool net[K];             /* reaches the database */
bool share[K];           /* `share` stands in its config */
byte kid[K];             /* id of its state directory */
byte prim[K];            /* the primary it is connected to */
byte inst[K + 2];        /* per id: the process that wrote the last beat */
bool beat[K + 2];        /* per id: that beat is young */
bool young;              /* the database lost commits, and was not watched for two minutes since */
bool split;              /* two primaries accept writes */
bool rolled;             /* a disk was rolled back, and has not caught up */
byte clock = 1;          /* the database's clock in ms: above all earlier numbers and generations */
byte made = 1;           /* records made */
byte sessions = 1;
byte faults = FAULTS, words = WORDS;
bool calm;               /* no more faults, no more commands; all machines come back */
byte rescue;             /* commands of the person who looks after it when all is calm */

/* What the invariants look at; no step of the protocol reads these. */
byte kind[ALL_RECORDS + 1], session[ALL_RECORDS + 1];
byte spent[ALL_RECORDS + 1];    /* machines that sent this record's token */
byte refusedTo[ALL_RECORDS + 1];/* machines that learned that it is worth nothing */
byte ended;                     /* sessions that a revocation ended */
byte signedOut;                 /* sessions whose sign-out stood in the row */
byte declared;                  /* machines that a person declared stopped for good, and that were no home since */
byte forgiven[K], forgivenFor[K]; /* rule 7: earlier senders of the record that this machine took over, and the record */
bool retry[K];                  /* the record was marked as unanswered before this attempt */

#define BIT(n) (1 << (n))
#define id kid[me]
#define Disk disk[me]
#define Row row[prim[me]]
#define Reaches(m) (up[m] == RUNNING && net[m] && share[m])
#define Queue (stage[me] == IDLE)

/* What rules 1, 4 and 5 ask, each with the switches that break it. */
#ifdef DRAFT_CLONE
#define HasWaited(m) (sure[m] == BEATEN || sure[m] == WAITED)
#else
#define HasWaited(m) (sure[m] == WAITED)
#endif
#ifdef DRAFT_YOUNG
#define Watched true
#else
#define Watched (!young)
#endif
#ifdef DRAFT_SPLIT
#define DatabaseKnown Watched
#else
#define DatabaseKnown (Watched && !split)
#endif
#if defined(BREAK_6_SHARE)
#define MaySpend(m) (disk[m].home == kid[m] && (sure[m] == CONFIRMED || !share[m]))
#elif defined(BREAK_6_MOVED)
#define MaySpend(m) ((disk[m].home == kid[m] && sure[m] == CONFIRMED) || (disk[m].home != NONE && !share[m]))
#elif defined(BREAK_1_UNCONFIRMED)
#define MaySpend(m) (disk[m].home == kid[m] && share[m])
#else
#define MaySpend(m) (disk[m].home == kid[m] && share[m] && sure[m] == CONFIRMED)
#endif
/* Amended: the wait that a start needs comes before a take-over and a login elsewhere too, and the statement that
   changes the home also requires that the keeper's own beat is the last one under its id. */
#ifdef DRAFT_TAKER
#define MayBecomeHome(m) (sure[m] < HALTED)
#define OneProcess(m) true
#else
#define MayBecomeHome(m) (sure[m] == CONFIRMED && OldEnough && OnePrimary && OneProcess(m))
#define OneProcess(m) (!Copied(m))
#endif
/* Rule 4 amended: with two primaries in sight no keeper becomes a home and none gives its home away. */
#ifdef DRAFT_SPLIT
#define HomesMayChange true
#else
#define HomesMayChange (!split)
#endif
#ifdef BREAK_8_INSTANCE
#define Copied(m) false
#else
#define Copied(m) (inst[kid[m]] != m)
#endif
#ifdef BREAK_4_BEATS
#define Beats(x) false
#else
#define Beats(x) (x != NONE && beat[x])
#endif
#ifdef DRAFT_BEAT
#define BeatsAgain(m) false
#else
#define BeatsAgain(m) (livened[m])
#endif
/* Rule 7 amended: a take-over marks the record as unanswered, so that later homes know that it may be spent. */
#ifdef DRAFT_MARK
#define MarkOfTaken(r) r.mark
#else
#define MarkOfTaken(r) true
#endif
#ifdef BREAK_4_YOUNG
#define OldEnough true
#else
#define OldEnough (!young)
#endif
#ifdef BREAK_4_SPLIT
#define OnePrimary true
#else
#define OnePrimary (!split)
#endif
#define MayTakeOver(x) (!Beats(x) && OldEnough && OnePrimary)
#ifdef BREAK_5_GUARD
#define NotNewer(there, pr) true
#else
#define NotNewer(there, pr) (there <= pr)
#endif
#ifdef DRAFT_PROCESS
#define NextPair(m) (disk[m].pair + 1)
#else
#define NextPair(m) (GEN(disk[m].pair) < from[m] -> PAIR(NO(disk[m].pair), from[m]) : disk[m].pair + 1)
#endif
#define Guard(who, pr) (NO(Row.pair) < NO(pr) || (NO(Row.pair) == NO(pr) && Row.home == who && NotNewer(Row.pair, pr)))

#ifdef BREAK_5_REMOVE
#define InRow(m) (kind[disk[m].rec] == OUT && row[prim[m]].rec == NONE)
#else
#define InRow(m) false
#endif

#ifdef BREAK_5_REPUBLISH
byte lastPublished[K];
#define Unpublished(m) (disk[m].pair > lastPublished[m])
#else
#define Unpublished(m) true
#endif

/* Amended: a process that stops under rule 8 still publishes and hands over what its disk has. */
#ifdef DRAFT_HALT
#define HaltedPublishes(m) false
#else
#define HaltedPublishes(m) (sure[m] == HALTED)
#endif
#ifdef DRAFT_PUBLISH
#define MayPublish(m) true
#else
#define MayPublish(m) (sure[m] == CONFIRMED || HaltedPublishes(m))
#endif
/* Amended: publishing again does not wait for a request in the app's queue. */
#ifdef DRAFT_QUEUE
#define PublishTurn(m) (stage[m] == IDLE)
#else
#define PublishTurn(m) true
#endif
#ifdef DRAFT_OWNER
#define OwnerMayChange(m) true
#else
#define OwnerMayChange(m) (sure[m] == CONFIRMED && (!Reaches(m) || (row[prim[m]].pair <= disk[m].pair && !Copied(m))))
#endif
/* Amended: a change of the home that the database has lost is told to it before any home is confirmed. */
#ifdef DRAFT_NUMBER
#define TellsNumber(m) false
#else
#define TellsNumber(m) ((sure[m] == BEATEN || sure[m] == WAITED) && NO(row[prim[m]].pair) < NO(disk[m].pair))
#endif
/* Rule 5: what the home's disk has and the row has not. Amended: only a confirmed home publishes. */
#define MustPublish(m) ((MayPublish(m) || TellsNumber(m)) && disk[m].home == kid[m] && row[prim[m]].pair < disk[m].pair && Unpublished(m) && !InRow(m) && \
  (NO(row[prim[m]].pair) < NO(disk[m].pair) || row[prim[m]].home == kid[m]))
#ifdef DRAFT_CATCH_UP
#define CatchUpMay HomesMayChange
#else
#define CatchUpMay DatabaseKnown
#endif
/* Rule 2: the row names this keeper, with a higher pair than its disk's. */
#define MustCatchUp(m) (CatchUpMay && row[prim[m]].home == kid[m] && row[prim[m]].pair > disk[m].pair)
#define MustStandDown(m) (disk[m].home == kid[m] && row[prim[m]].home != kid[m] && row[prim[m]].pair > disk[m].pair)
#define MustHandOver(m) (HomesMayChange && handing[m] && MayPublish(m) && disk[m].home != kid[m] && row[prim[m]].pair < disk[m].pair)
#define MustVacate(m) (row[prim[m]].home == kid[m] && disk[m].home != kid[m] && row[prim[m]].pair <= disk[m].pair && !(handing[m] && row[prim[m]].pair < disk[m].pair))

/* What is another keeper's, and is not this one's by its disk, keeps no process from being confirmed. */
#define NotAhead(m) (row[prim[m]].pair <= disk[m].pair || (row[prim[m]].home != kid[m] && disk[m].home != kid[m]))
#define MustBeat(m) (sure[m] == UNSURE || (sure[m] < HALTED && !beat[kid[m]]))
#define MustConfirm(m) (HasWaited(m) && DatabaseKnown && inst[kid[m]] == m && NotAhead(m))
#define Urgent(m) (Reaches(m) && ((PublishTurn(m) && MustPublish(m)) || (stage[m] == IDLE && MustHandOver(m)) || \
  (sure[m] < HALTED && (MustBeat(m) || MustConfirm(m) || \
    (stage[m] == IDLE && (MustCatchUp(m) || MustStandDown(m) || MustVacate(m)))))))
#define Answering(m) (up[m] == RUNNING && stage[m] >= ACCEPTED)   /* or writing to its disk */

#if K == 2
#define ANY(p) (p(0) || p(1))
#else
#define ANY(p) (p(0) || p(1) || p(2))
#endif

#define Stands(m, x) (kid[m] == x && Reaches(m) && sure[m] != UNSURE)
#define WordIsWrong(m, x) (kid[m] == x && (up[m] == STOPPED || (up[m] == RUNNING && (!Reaches(m) || !beat[x]))))
#if K == 2
#define BeatNow(x) (Stands(0, x) || Stands(1, x))
#define WordIsTrue(x) (!WordIsWrong(0, x) && !WordIsWrong(1, x))
#define Named(x) ((kid[0] == x -> 1 : 0) | (kid[1] == x -> 2 : 0))
#else
#define BeatNow(x) (Stands(0, x) || Stands(1, x) || Stands(2, x))
#define WordIsTrue(x) (!WordIsWrong(0, x) && !WordIsWrong(1, x) && !WordIsWrong(2, x))
#define Named(x) ((kid[0] == x -> 1 : 0) | (kid[1] == x -> 2 : 0) | (kid[2] == x -> 4 : 0))
#endif

/* The row changes: every write gives it a new revision, which all who opened it before will notice. */
inline touch() {
  stale[0] = true; stale[1] = true;
#if K > 2
  stale[2] = true;
#endif
}

/* A beat: who is about to take its home over will notice. */
inline writeBeat(m) {
  inst[kid[m]] = m;
  beat[kid[m]] = true;
  livened[0] = true; livened[1] = true;
#if K > 2
  livened[2] = true;
#endif
}

/* Two disks under one id may hold different records of one number: there only the pair says which is newer. */
#define CopyRuns (kid[0] == kid[1])

#define copyRecord(to, from) \
  to.home = from.home; to.pair = from.pair; to.rec = from.rec; to.mark = from.mark; to.moveTo = from.moveTo

#define clear(r) r.home = NONE; r.pair = 0; r.rec = NONE; r.mark = false; r.moveTo = NONE

/* INVARIANT: the newest record is never overwritten by an older one. */
#define write(to, h, pr, c, m) \
  assert(pr >= to.pair); \
  assert(NO(pr) > NO(to.pair) || c >= to.rec || CopyRuns); \
  copyRecord(undone, to); \
  to.home = h; to.pair = pr; to.rec = c; to.mark = m; to.moveTo = NONE; \
  clock = (GEN(pr) > clock -> GEN(pr) : clock); \
  published(c)

inline published(c) {
  if
  :: kind[c] == OUT -> signedOut = signedOut | BIT(session[c])
  :: else
  fi;
  touch()
}

inline make(what, ofSession) {
  made++;
  kind[made] = what;
  session[made] = ofSession
}

/* Rule 3: the largest of row + 1, highest seen + 1 and the database's clock, which here is the largest. */
inline newNumber(n) {
#ifdef BREAK_3_NUMBER
  n = NO(Row.pair) + 1;
  if
  :: n > clock -> clock = n
  :: else
  fi
#else
  clock++;
  assert(clock < 16);
  n = clock
#endif
}

/* A record comes to the disk under the next generation. Amended: a process begins at the database's clock of when it was
   confirmed, so that no pair stands for what two processes under one id have made. */
inline store(m) {
  disk[m].pair = NextPair(m);
  clock = (GEN(disk[m].pair) > clock -> GEN(disk[m].pair) : clock);
  disk[m].rec = made; disk[m].mark = false
}

/* Rule 7: the person's word that `x` is stopped for good makes the taker's copy possibly spent by it. */
inline forgive(m, x, c) {
  declared = declared | Named(x);
  forgiven[m] = spent[c] & declared;
  forgivenFor[m] = c
}

inline forget(m) {
  from[m] = 0;
  sure[m] = UNSURE; stage[m] = IDLE; givesTo[m] = NONE; givesNo[m] = 0; opened[m] = NONE; pending[m] = NONE; asked[m] = false; retry[m] = false
}

/* What an ended process of the copied machine spent: its disk may not have learned more, like one that is taken over. */
#ifdef FAULT_CLONE
int over[K];
#define EndedCopy(o, m) (o != m && kid[o] == kid[m] && (over[o] & BIT(disk[m].rec)) != 0 -> BIT(o) : 0)
inline ends(m) {
  r = 1;
  do
  :: r <= ALL_RECORDS ->
     if
     :: (spent[r] & BIT(m)) != 0 -> over[m] = over[m] | BIT(r)
     :: else
     fi;
     r++
  :: else -> break
  od;
  r = 0;
  forget(m)
}
#else
#define EndedCopy(o, m) 0
inline ends(m) { forget(m) }
#endif

/* INVARIANTS of each request: no token goes out twice but as rules 3 and 7 name it; a sign-out stays one; a session that
   may live elsewhere is not revoked. */
inline send(m) {
  assert((spent[disk[m].rec]
          & ~(forgivenFor[m] == disk[m].rec -> forgiven[m] : 0)
          & ~(retry[m] -> BIT(m) : 0) & ~EndedCopy(0, m) & ~EndedCopy(1, m)) == 0);
  assert((refusedTo[disk[m].rec] & BIT(m)) == 0 || retry[m]);
  assert((signedOut & BIT(session[disk[m].rec])) == 0);
  assert((ended & BIT(session[disk[m].rec])) == 0);
  if
  :: spent[disk[m].rec] == 0 -> stage[m] = ACCEPTED
  :: else -> stage[m] = REFUSED
  fi;
  spent[disk[m].rec] = spent[disk[m].rec] | BIT(m)
}

proctype Keeper(byte me) {
  byte n;
  do

  /* Rule 1, first statement: the beat. */
  :: d_step { Reaches(me) && sure[me] == UNSURE ->
       printf("keeper %d: writes its beat\n", me);
       if
       :: beat[id] -> sure[me] = BEATEN
       :: else -> sure[me] = WAITED
       fi;
#ifdef BREAK_1_ONE_STATEMENT
       /* The row is read in the statement of the beat, before its commit. */
       if
       :: Row.pair <= Disk.pair -> retry[me] = true
       :: else -> retry[me] = false
       fi;
       pending[me] = ALL_RECORDS;
#else
       writeBeat(me);
#endif
       n = 0
     }

  /* Each poll of the database writes it again. */
  :: d_step { Reaches(me) && sure[me] != UNSURE && sure[me] < HALTED && !beat[id] && inst[id] == me ->
       printf("keeper %d: beats again\n", me);
       writeBeat(me)
     }

  /* Rule 1, second statement, after the first: no row above the disk's pair.
     Amended: not before what another process under this id may have asked is void (rule 8), not on a database that
     was not watched long enough, and not with two primaries in sight (rule 4's limits hold for a start too). */
#ifdef BREAK_1_ONE_STATEMENT
  :: d_step { Reaches(me) && sure[me] == WAITED && pending[me] == ALL_RECORDS ->
       printf("keeper %d: its beat commits\n", me);
       writeBeat(me);
       pending[me] = NONE;
       if
       :: retry[me] -> sure[me] = CONFIRMED
       :: else
       fi;
       retry[me] = false
     }
#else
  :: d_step { Reaches(me) && sure[me] < CONFIRMED && HasWaited(me) && DatabaseKnown && inst[id] == me && NotAhead(me) ->
       printf("keeper %d: is confirmed\n", me);
       sure[me] = CONFIRMED;
#ifndef DRAFT_PROCESS
       if
       :: Disk.home == id -> clock++; from[me] = clock; assert(clock < 16)
       :: else
       fi
#endif
     }
#endif

  /* Rule 8: another process beats under this id. */
  :: d_step { Reaches(me) && sure[me] != UNSURE && sure[me] < HALTED && inst[id] != me && pending[me] != ALL_RECORDS ->
       printf("keeper %d: finds another process under its id\n", me);
#ifndef BREAK_8_INSTANCE
       if
       :: sure[me] == CONFIRMED -> sure[me] = HALTED
       :: else -> sure[me] = HALTED_EARLY
       fi
#else
       inst[id] = me
#endif
     }

  /* Rule 2: a row that names this keeper goes to its disk first; only then is it home. */
#ifndef BREAK_2_CATCH_UP
  :: d_step { Reaches(me) && Queue && sure[me] < HALTED && MustCatchUp(me) ->
       printf("keeper %d: takes the row to its disk\n", me);
       assert(NO(Row.pair) > NO(Disk.pair) || Row.rec >= Disk.rec || CopyRuns);
       copyRecord(Disk, Row);
       Disk.moveTo = NONE;
       if
       :: Row.mark && (forgivenFor[me] != Row.rec || forgiven[me] == 0) -> forgiven[me] = spent[Row.rec]; forgivenFor[me] = Row.rec
       :: else
       fi;
       declared = declared & ~BIT(me);
       handing[me] = false;
       rolled = false
     }
#endif

  /* Rule 5's guard found a higher pair of another home: stand down, revoke nothing. */
  :: d_step { Reaches(me) && Queue && MustStandDown(me) ->
       printf("keeper %d: stands down\n", me);
#ifdef BREAK_7_REVOKE
       if
       :: kind[Disk.rec] == TOKEN -> ended = ended | BIT(session[Disk.rec])
       :: else
       fi;
#endif
       Disk.home = NONE;
       rolled = false
     }

  /* Rule 5: disk first, then published, until done. */
  :: d_step { Reaches(me) && PublishTurn(me) && MustPublish(me) && TellsNumber(me) ->
       printf("keeper %d: tells of pair %d/%d\n", me, NO(Disk.pair), GEN(Disk.pair));
       copyRecord(undone, Row);
       Row.home = id; Row.pair = Disk.pair; Row.rec = Disk.rec; Row.mark = false; Row.moveTo = NONE;
       touch()
     }
  :: d_step { Reaches(me) && PublishTurn(me) && MustPublish(me) && !TellsNumber(me) ->
       printf("keeper %d: publishes pair %d/%d\n", me, NO(Disk.pair), GEN(Disk.pair));
#ifdef BREAK_5_REMOVE
       if
       :: kind[Disk.rec] == OUT -> signedOut = signedOut | BIT(session[Disk.rec]); clear(Row); touch()
       :: else -> write(Row, id, Disk.pair, Disk.rec, false)
       fi;
#else
       write(Row, id, Disk.pair, Disk.rec, false);
#endif
#ifdef BREAK_5_REPUBLISH
       lastPublished[me] = Disk.pair;
#endif
       n = 0
     }

  /* Rule 3, move: the old home hands over until the row shows it. Amended: and again when the row falls behind later. */
  :: d_step { Reaches(me) && Queue && MustHandOver(me) ->
       printf("keeper %d: hands over to id %d\n", me, Disk.home);
       write(Row, Disk.home, Disk.pair, Disk.rec, Disk.mark)
     }
#ifdef DRAFT_HAND_OVER
  :: d_step { Reaches(me) && Queue && handing[me] && Row.pair >= Disk.pair -> handing[me] = false }
#else
  :: d_step { Reaches(me) && Queue && handing[me] && Row.pair > Disk.pair -> handing[me] = false }
#endif

  /* Rule 2: a row that names this keeper though its disk has given up is made vacant; the number stays. */
  :: d_step { Reaches(me) && Queue && MustVacate(me) ->
       printf("keeper %d: makes the row vacant\n", me);
       copyRecord(undone, Row);
       Row.home = NONE;
       touch()
     }

  /* Rule 1: a refresh begins only at a confirmed home. The disk marks the attempt. */
  :: d_step { up[me] == RUNNING && Queue && opened[me] == NONE && !calm && made < RECORDS &&
       kind[Disk.rec] == TOKEN && MaySpend(me) ->
       printf("keeper %d: begins a refresh of record %d\n", me, Disk.rec);
       retry[me] = Disk.mark;
       Disk.mark = true;
       asked[me] = false;
       stage[me] = ASKING
     }

  /* Rule 1, the last question: another home, a higher pair or another process stops it; no answer does not. */
  :: d_step { up[me] == RUNNING && stage[me] == ASKING && !asked[me] ->
       if
       :: Reaches(me) && ((Row.home != NONE && Row.home != id) || Row.pair > Disk.pair || Copied(me)) ->
          printf("keeper %d: the last question stops it\n", me);
          Disk.mark = retry[me];
          stage[me] = IDLE;
          if
          :: Copied(me) && sure[me] == CONFIRMED -> sure[me] = HALTED
          :: else
          fi
       :: else ->
          printf("keeper %d: the last question does not stop it\n", me);
          asked[me] = true
       fi
     }

  /* Rule 1: in the tick of the write it looks at its clocks; then the request is out. */
  :: d_step { up[me] == RUNNING && stage[me] == ASKING && asked[me] && MaySpend(me) ->
       printf("keeper %d: SENDS the token of record %d\n", me, Disk.rec);
       send(me)
     }
  :: d_step { up[me] == RUNNING && stage[me] == ASKING && !MaySpend(me) ->
       printf("keeper %d: is no longer confirmed, sends nothing\n", me);
       Disk.mark = retry[me];
       stage[me] = IDLE
     }

  /* Disk first: the answer is stored with the next generation. */
  :: d_step { up[me] == RUNNING && stage[me] == ACCEPTED ->
       make(TOKEN, session[Disk.rec]);
       printf("keeper %d: stores record %d\n", me, made);
       store(me);
       stage[me] = IDLE
     }
  /* Rule 7: invalid_grant costs the token (as answer_lost after a take-over); it is not used again. */
  :: d_step { up[me] == RUNNING && stage[me] == REFUSED ->
       printf("keeper %d: learns that record %d is worth nothing\n", me, Disk.rec);
       refusedTo[Disk.rec] = refusedTo[Disk.rec] | BIT(me);
#ifndef BREAK_7_ONCE
       make(LOST, session[Disk.rec]);
       store(me);
#else
       Disk.mark = false;
#endif
       stage[me] = IDLE
     }
#ifdef FAULT_DISK
  /* Rule 5: where the disk refuses, published all the same; rule 2 brings it to the disk later. */
  :: d_step { Reaches(me) && stage[me] == ACCEPTED && faults > 0 && !young && !calm && Guard(id, NextPair(me)) ->
       make(TOKEN, session[Disk.rec]);
       printf("keeper %d: its disk refuses record %d, which it publishes\n", me, made);
       faults--;
       write(Row, id, NextPair(me), made, false);
       stage[me] = IDLE
     }
#endif
#ifdef FAULT_ANSWER
  :: d_step { up[me] == RUNNING && (stage[me] == ACCEPTED || stage[me] == REFUSED) && faults > 0 && !young && !calm ->
       printf("keeper %d: no answer comes\n", me);
       faults--;
       stage[me] = IDLE
     }
#endif

  /* A person signs out at the home: a record with the next generation, no removal (rule 5).
     Amended: the home is confirmed, or an older row could win over what the person asked last. */
  :: d_step { up[me] == RUNNING && share[me] && OwnerMayChange(me) && Queue && opened[me] == NONE && Disk.home == id && kind[Disk.rec] == TOKEN &&
       words > 0 && !calm && made < RECORDS ->
       make(OUT, session[Disk.rec]);
       printf("person: signs out at keeper %d, record %d\n", me, made);
       words--;
       store(me)
     }
  /* A person signs in at the home. */
  :: d_step { up[me] == RUNNING && share[me] && OwnerMayChange(me) && Queue && opened[me] == NONE && Disk.home == id && kind[Disk.rec] != TOKEN &&
       words > 0 && !calm && made < RECORDS ->
       sessions++;
       make(TOKEN, sessions);
       printf("person: signs in at the home, keeper %d, record %d\n", me, made);
       words--;
       store(me)
     }

  /* Rule 3, login elsewhere: the new session is pending, and is not spent until the swap carried it. */
  :: d_step { Reaches(me) && Queue && MayBecomeHome(me) && opened[me] == NONE && Disk.home != id && Row.home != id &&
       words > 0 && ((!calm && made < RECORDS) || (calm && rescue == 2)) && HomesMayChange &&
       !(lateBy == me && lateKind != NONE) ->
       sessions++;
       make(TOKEN, sessions);
       printf("person: signs in at keeper %d, which is not the home: record %d is pending\n", me, made);
       words--;
       opened[me] = LOGIN; stale[me] = false; pending[me] = made
     }
  :: d_step { Reaches(me) && Queue && opened[me] == LOGIN ->
#ifndef BREAK_3_REVISION
       if
       :: stale[me] || !OneProcess(me) -> printf("keeper %d: the row changed, its new session gives way\n", me)
       :: else ->
#endif
          newNumber(n);
          printf("keeper %d: swaps the row, number %d\n", me, n);
#ifdef BREAK_3_REVISION
          assert(pending[me] >= Row.rec);
#endif
          write(Row, id, PAIR(n, GEN(Row.pair) + 1), pending[me], false);
          forgivenFor[me] = NONE;
#ifndef BREAK_3_REVISION
       fi;
#endif
       opened[me] = NONE; pending[me] = NONE; n = 0
     }

  /* Rule 4, take over: opens the copy. The person says that the home is stopped for good; a home that runs and is
     only cut off is that person's error, and is not in this model. */
  :: d_step { Reaches(me) && Queue && MayBecomeHome(me) && opened[me] == NONE && Disk.home != id && Row.home != id &&
       Row.rec != NONE && words > 0 && (!calm || rescue == 1) && !(lateBy == me && lateKind != NONE) &&
       WordIsTrue(Row.home) && MayTakeOver(Row.home) ->
       printf("person: says at keeper %d that id %d is stopped for good\n", me, Row.home);
       words--;
       opened[me] = TAKE; stale[me] = false; livened[me] = false
     }
  /* Rule 3: swaps on the revision that it opened. Amended: the swap's own statement looks at the beat again. */
  :: d_step { Reaches(me) && Queue && opened[me] == TAKE ->
       if
#ifndef BREAK_3_REVISION
       :: stale[me] || !OneProcess(me) -> printf("keeper %d: the row changed, no take-over\n", me)
#endif
       :: BeatsAgain(me) -> printf("keeper %d: id %d beats, no take-over\n", me, Row.home)
       :: else ->
          newNumber(n);
          printf("keeper %d: takes over, number %d\n", me, n);
          forgive(me, Row.home, Row.rec);
          write(Row, id, PAIR(n, GEN(Row.pair)), Row.rec, MarkOfTaken(Row))
       fi;
       opened[me] = NONE; n = 0
     }

  /* Rule 3, move: a person asks for it at the new home. */
  :: d_step { Reaches(me) && Queue && sure[me] < HALTED && opened[me] == NONE && Disk.home != id &&
       Row.home != NONE && Row.home != id && Row.moveTo == NONE && words > 0 && !calm ->
       printf("person: asks keeper %d to become the home\n", me);
       words--;
       Row.moveTo = id;
       touch()
     }
  /* The asker ends a move that no command waits for any more; its request has no revision of its own. */
  :: d_step { Reaches(me) && Row.moveTo == id && Disk.home != id ->
       printf("keeper %d: asks for the app no more\n", me);
       Row.moveTo = NONE
     }
  /* The old home, in the app's queue, reads once more that it is asked for, and takes a number. */
  :: d_step { Reaches(me) && Queue && sure[me] == CONFIRMED && Disk.home == id && Row.home == id && Row.pair <= Disk.pair &&
       Row.moveTo != NONE && Row.moveTo != id && lateKind == NONE && HomesMayChange && OneProcess(me) ->
       newNumber(n);
#ifdef BREAK_3_MOVE
       printf("keeper %d: hands over before its disk has `moved`; the statement is under way\n", me);
       late.home = Row.moveTo; late.pair = PAIR(n, GEN(Disk.pair)); late.rec = Disk.rec; late.mark = Disk.mark;
       Row.moveTo = NONE;
       lateKind = LATE_PUBLISH; lateBy = me;
#else
       printf("keeper %d: is to give the app to id %d, number %d\n", me, Row.moveTo, n);
       givesTo[me] = Row.moveTo; givesNo[me] = n;
       stage[me] = GIVING;
#endif
       n = 0
     }
  /* It writes `moved` to its disk before it hands anything over. */
  :: d_step { up[me] == RUNNING && stage[me] == GIVING ->
       printf("keeper %d: writes to its disk that it moved to id %d, number %d\n", me, givesTo[me], givesNo[me]);
       Disk.home = givesTo[me]; Disk.pair = PAIR(givesNo[me], GEN(Disk.pair));
       handing[me] = true;
       stage[me] = IDLE; givesTo[me] = NONE; givesNo[me] = 0
     }

#ifdef FAULT_LATE
  /* A statement whose connection dies may still commit later; its sender knows nothing and goes on. */
  :: d_step { Reaches(me) && Queue && sure[me] < HALTED && lateKind == NONE && faults > 0 && !young && !calm &&
       (MustPublish(me) || MustHandOver(me)) ->
       printf("keeper %d: its statement is under way, the connection dies\n", me);
       faults--;
       late.home = Disk.home; late.pair = Disk.pair; late.rec = Disk.rec; late.mark = Disk.mark;
       lateKind = LATE_PUBLISH; lateBy = me
     }
  :: d_step { Reaches(me) && Queue && sure[me] < HALTED && lateKind == NONE && faults > 0 && !young && !calm &&
       opened[me] != NONE && !stale[me] && !(opened[me] == TAKE && BeatsAgain(me)) ->
       newNumber(n);
       printf("keeper %d: its swap, number %d, is under way, the connection dies\n", me, n);
       faults--;
       late.home = id; late.pair = PAIR(n, GEN(Row.pair));
       if
       :: opened[me] == TAKE -> late.rec = Row.rec; late.mark = MarkOfTaken(Row); lateKind = LATE_TAKE
       :: else -> late.rec = pending[me]; late.pair++; late.mark = false; lateKind = LATE_LOGIN
       fi;
       lateBy = me; n = 0
     }
#endif
  od
}

#define FaultMay (faults > 0 && !young && !calm)
#define Holds(m) (Reaches(m) && disk[m].pair >= disk[0].pair && disk[m].pair >= disk[1].pair)
#if K == 2
#define HolderStands (Holds(0) || Holds(1))
#define Each(p) (p(0) && p(1))
#else
#define HolderStands ((Holds(0) && disk[0].pair >= disk[2].pair) || (Holds(1) && disk[1].pair >= disk[2].pair) || (Holds(2)))
#endif

/* The database loses commits. The rules promise nothing where the disk that has the newest record is gone or cut off at
   the same time (disk and database lost together), so that disk stands until it has published again. */
#ifdef DOUBLE_LOSS
#define LossMay (FaultMay && !rolled)
#else
#define LossMay (FaultMay && !rolled && HolderStands)
#endif

inline loseTail() {
  faults--;
  young = true;
  lateKind = NONE;
  clear(late);
  clear(undone);
  touch()
}

#define MayWait(m) (sure[m] == BEATEN || (asked[m] && stage[m] == ASKING) || up[m] == STOPPED)
#define OldBeat(x) (beat[x] && !BeatNow(x))
#define IsHome(m) (Reaches(m) && sure[m] == CONFIRMED && stage[m] == IDLE && disk[m].home == kid[m] && \
  row[prim[m]].home == kid[m] && row[prim[m]].pair == disk[m].pair && row[prim[m]].rec == disk[m].rec)

inline pass(m) {
  asked[m] = false;
  if
  :: up[m] == STOPPED ->
     up[m] = STALLED;
#ifndef BREAK_1_GAP
     sure[m] = UNSURE
#endif
  :: up[m] == RUNNING && sure[m] == BEATEN -> sure[m] = WAITED
  :: else
  fi
}

proctype World() {
  byte m;
#ifdef FAULT_CLONE
  byte r;
#endif
  do
  /* Two minutes pass. */
  :: d_step { !ANY(Urgent) && !ANY(Answering) && (young || ANY(MayWait) || OldBeat(1) || OldBeat(2) || OldBeat(3) || OldBeat(K + 1)) ->
       printf("time passes\n");
       young = false;
       for (m : 0 .. (K - 1)) {
#ifdef BREAK_1_LOOK
         if
         :: asked[m] -> pass(m); asked[m] = true
         :: else -> pass(m)
         fi
#else
         pass(m)
#endif
       }
       for (m : 1 .. (K + 1)) { beat[m] = BeatNow(m) }
       m = 0
     }

  /* Crashes, stops, cuts. */
#ifdef FAULT_CRASH
  :: d_step { FaultMay && up[0] != DOWN -> printf("machine 0 crashes\n"); faults--; up[0] = DOWN; ends(0) }
  :: d_step { FaultMay && up[1] != DOWN -> printf("machine 1 crashes\n"); faults--; up[1] = DOWN; ends(1) }
#if K > 2
  :: d_step { FaultMay && up[2] != DOWN -> printf("machine 2 crashes\n"); faults--; up[2] = DOWN; ends(2) }
#endif
#endif
  :: d_step { up[0] == DOWN -> printf("machine 0 starts\n"); up[0] = RUNNING }
  :: d_step { up[1] == DOWN -> printf("machine 1 starts\n"); up[1] = RUNNING }
#if K > 2
  :: d_step { up[2] == DOWN -> printf("machine 2 starts\n"); up[2] = RUNNING }
#endif
#ifdef FAULT_STOP
  :: d_step { FaultMay && up[0] == RUNNING -> printf("machine 0 stops still\n"); faults--; up[0] = STOPPED }
  :: d_step { FaultMay && up[1] == RUNNING -> printf("machine 1 stops still\n"); faults--; up[1] = STOPPED }
  :: d_step { up[0] >= STOPPED -> printf("machine 0 goes on\n"); up[0] = RUNNING }
  :: d_step { up[1] >= STOPPED -> printf("machine 1 goes on\n"); up[1] = RUNNING }
#endif
#ifdef FAULT_CUT
  :: d_step { FaultMay && net[0] -> printf("machine 0 is cut off\n"); faults--; net[0] = false }
  :: d_step { FaultMay && net[1] -> printf("machine 1 is cut off\n"); faults--; net[1] = false }
  :: d_step { !net[0] -> printf("machine 0 is connected again\n"); net[0] = true }
  :: d_step { !net[1] -> printf("machine 1 is connected again\n"); net[1] = true }
#endif

#ifdef FAULT_LOSS
  /* A failover loses the last commit; a restore brings the first day back; an empty database takes its place. */
  :: d_step { LossMay && !split && undone.rec != NONE && undone.pair <= row[0].pair && (undone.pair != row[0].pair || undone.home != row[0].home) ->
       printf("the database loses its last commit\n");
       copyRecord(row[0], undone); loseTail() }
  :: d_step { LossMay && !split && row[0].pair != PAIR(1, 1) ->
       printf("the database is restored from the first day\n");
       row[0].home = 1; row[0].pair = PAIR(1, 1); row[0].rec = 1; row[0].mark = false; row[0].moveTo = NONE; loseTail() }
  :: d_step { LossMay && !split && row[0].rec != NONE ->
       printf("the database is empty\n");
       clear(row[0]); loseTail() }
#endif

#ifdef FAULT_SPLIT
  /* A standby is promoted while the old primary goes on; keepers see both and are connected to either. */
  :: d_step { LossMay && !split && undone.rec != NONE ->
       printf("a second primary begins, one commit behind\n");
       faults--; split = true; copyRecord(row[1], undone); clear(undone); touch() }
  :: d_step { split && !young && prim[0] == 0 -> printf("keeper 0 connects to the second primary\n"); prim[0] = 1; opened[0] = NONE; pending[0] = NONE }
  :: d_step { split && !young && prim[1] == 0 -> printf("keeper 1 connects to the second primary\n"); prim[1] = 1; opened[1] = NONE; pending[1] = NONE }
  :: d_step { split && !calm && HolderStands && row[1].rec != NONE -> printf("the first primary ends\n");
       split = false; copyRecord(row[0], row[1]); clear(row[1]); clear(undone); prim[0] = 0; prim[1] = 0; young = true; touch() }
  :: d_step { split && HolderStands -> printf("the second primary ends\n");
       split = false; clear(row[1]); clear(undone); prim[0] = 0; prim[1] = 0; young = true; touch() }
#endif

  /* A statement of a broken connection commits, or never does. */
  :: d_step { lateKind != NONE ->
       if
       :: lateKind == LATE_PUBLISH &&
          (NO(row[0].pair) < NO(late.pair) || (NO(row[0].pair) == NO(late.pair) && row[0].home == kid[lateBy] && NotNewer(row[0].pair, late.pair))) ->
          printf("a late statement of keeper %d commits, pair %d/%d\n", lateBy, NO(late.pair), GEN(late.pair));
          write(row[0], late.home, late.pair, late.rec, late.mark)
       :: lateKind == LATE_TAKE && !stale[lateBy] && !(BeatsAgain(lateBy)) ->
          printf("a late take-over by keeper %d commits, number %d\n", lateBy, NO(late.pair));
          forgive(lateBy, row[0].home, row[0].rec);
          write(row[0], late.home, late.pair, late.rec, late.mark)
       :: lateKind == LATE_LOGIN && !stale[lateBy] ->
          printf("a late login at keeper %d commits, number %d\n", lateBy, NO(late.pair));
          forgivenFor[lateBy] = NONE;
          write(row[0], late.home, late.pair, late.rec, late.mark)
       :: else -> printf("a late statement of keeper %d changes nothing\n", lateBy)
       fi;
       lateKind = NONE; lateBy = 0; clear(late)
     }
  :: d_step { lateKind != NONE -> printf("a late statement is lost\n"); lateKind = NONE; lateBy = 0; clear(late) }

#ifdef FAULT_ROLLBACK
  /* A disk goes back to the first day. What it had was published, or disk and database would be lost together. */
  :: d_step { FaultMay && up[0] == DOWN && disk[0].pair > PAIR(1, 1) && row[0].pair >= disk[0].pair && !disk[0].mark && kid[0] == 1 ->
       printf("the disk of machine 0 is rolled back to the first day\n");
       faults--; rolled = true; handing[0] = false;
       disk[0].home = 1; disk[0].pair = PAIR(1, 1); disk[0].rec = 1 }
  :: d_step { FaultMay && up[1] == DOWN && disk[1].pair > 0 && row[0].pair >= disk[1].pair && !disk[1].mark ->
       printf("the disk of machine 1 is rolled back to the first day\n");
       faults--; rolled = true; handing[1] = false; clear(disk[1]) }
#endif
#ifdef FAULT_STATE_LOST
  /* A state directory is gone: the machine begins anew under another id. */
  :: d_step { FaultMay && up[0] == DOWN && kid[0] == 1 && row[0].pair >= disk[0].pair ->
       printf("the state directory of machine 0 is gone\n");
       faults--; kid[0] = K + 1; clear(disk[0]); handing[0] = false; declared = declared | 1 }
#endif
#ifdef FAULT_CLONE
  /* A machine is copied, with its state directory, and both run. No cut and no stop besides: a clone that cannot see
     its original's beats cannot be told from a restart. Machine 1 held nothing before. */
  :: d_step { FaultMay && kid[1] != kid[0] && disk[0].home == kid[0] && disk[1].pair == 0 ->
       printf("machine 1 becomes a copy of machine 0\n");
       faults--; up[1] = DOWN; forget(1);
       copyRecord(disk[1], disk[0]); kid[1] = kid[0]; handing[1] = handing[0] }
#endif
#ifdef FAULT_NO_SHARE
  /* A person takes `share` out of a keeper's config. */
  :: d_step { FaultMay && share[0] && up[0] == DOWN -> printf("machine 0 has no share in its config\n"); faults--; share[0] = false }
  :: d_step { !share[0] && up[0] == DOWN -> printf("machine 0 has share in its config again\n"); share[0] = true }
  :: d_step { !share[0] && calm && stage[0] == IDLE -> share[0] = true; up[0] = DOWN; forget(0) }
#endif

#ifdef CALM
  /* INVARIANT: a keeper can always become the home again. From here on nothing fails, and a person may say two things:
     first a take-over where the home does not beat, then, where there is nothing left to take over, a login. */
  :: d_step { !calm && !young -> printf("all is calm\n"); calm = true; words = 0 }
  :: timeout && calm ->
       if
       :: d_step { !ANY(IsHome) && rescue < 2 -> printf("person: looks after it\n"); rescue++; words = 1 }
       :: else ->
          d_step {
            printf("the end: keeper 0 is home %d, keeper 1 is home %d\n", IsHome(0), IsHome(1));
            assert(ANY(IsHome));
            assert(!(IsHome(0) && IsHome(1)))
          };
          break
       fi
#endif
  od
}

/* Keeper 0 is the home, its record is published, and all keepers run, confirmed. */
init {
  byte m;
  d_step {
    for (m : 0 .. (K - 1)) {
      kid[m] = m + 1; inst[m + 1] = m; beat[m + 1] = true;
      up[m] = RUNNING; sure[m] = CONFIRMED; net[m] = true; share[m] = true; stale[m] = true
    }
    kind[1] = TOKEN; session[1] = 1;
    disk[0].home = 1; disk[0].pair = PAIR(1, 1); disk[0].rec = 1;
    copyRecord(row[0], disk[0]);
    m = 0
  }
  atomic {
    run World();
    for (m : 0 .. (K - 1)) { run Keeper(m) }
  }
}
