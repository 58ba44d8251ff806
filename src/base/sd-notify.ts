/** Tells systemd how the daemon is (sd_notify(3)): a datagram to the unix socket that NOTIFY_SOCKET names. */
import { declare } from './native-library.ts'

const socket3 = declare('int socket(int family, int type, int protocol)')
const sendto6 = declare(
  'long sendto(int fd, const void *bytes, size_t length, int flags, const void *address, unsigned int size)',
)
const close1 = declare('int close(int fd)')

const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const MSG_NOSIGNAL = 0x4000
/** sizeof(sockaddr_un.sun_path) */
const SUN_PATH_BYTES = 108

/** Sends `text`, such as `READY=1`. False when there is no one to tell, or no way to. */
export function sdNotify(text: string, socketPath: string | undefined = process.env['NOTIFY_SOCKET']): boolean {
  const address = socketPath === undefined ? null : unixAddress(socketPath)
  const [socket, sendto, close] = [socket3(), sendto6(), close1()]
  if (address === null || socket === null || sendto === null || close === null) return false
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
  if (fd < 0) return false
  const bytes = Buffer.from(text)
  const sent = sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length)
  close(fd)
  return sent === bytes.length
}

/** struct sockaddr_un: a path, or (written with a leading @) a name in the abstract namespace, which begins with NUL. */
function unixAddress(path: string): Buffer | null {
  const name = Buffer.from(path)
  if (name.length === 0 || name.length >= SUN_PATH_BYTES) return null
  const abstract = path.startsWith('@')
  if (!abstract && !path.startsWith('/')) return null
  if (abstract) name[0] = 0
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  return Buffer.concat(abstract ? [family, name] : [family, name, Buffer.alloc(1)])
}
