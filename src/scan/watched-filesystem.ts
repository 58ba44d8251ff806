/** Which filesystems tell of changes, and which only of those made on this host. Magic numbers: statfs(2). */

const NETWORK_FILESYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x47504653, 'GPFS'],
  [0x786f4256, 'VirtualBox share'],
])

/** The name of a filesystem that other machines may change without an event here; null for a local one. */
export function networkFilesystem(statfsType: number): string | null {
  return NETWORK_FILESYSTEMS.get(statfsType >>> 0) ?? null
}
