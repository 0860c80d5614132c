/**
 * The pseudo file systems of the Linux kernel: they hold what looks like files of root, but reading
 * `/proc/kmsg` takes messages away, and writing changes the machine.
 */
import { statfs } from 'node:fs/promises'

/** `f_type` of statfs(2). Other systems have smaller numbers. */
const KERNEL_FILE_SYSTEMS = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0xcafe4a11, // bpf
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0x62656570, // configfs
  0xf97cff8c, // selinuxfs
  0x19800202, // mqueue
  0x42494e4d, // binfmt_misc
  0x65735543, // fusectl
  0x1cd1, // devpts
])

/** Whether `directory` is in such a file system. */
export async function isOfKernel(directory: string): Promise<boolean> {
  const { type } = await statfs(directory)
  // The number is signed on some machines.
  return KERNEL_FILE_SYSTEMS.has(type >>> 0)
}
