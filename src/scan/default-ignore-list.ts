/** The text that `.sync/IgnoreList` gets when it is first made. The operator may change every line of it. */

const ALNUM_6 = '[A-Za-z0-9]'.repeat(6)

export const defaultIgnoreList = `# What isosyncd leaves alone in this folder: neither announced nor touched.
#
# One pattern a line; changes count from the next rescan on (SIGHUP starts one).
#   *.part      without a slash: this name in any directory, and all under it if it is one
#   /old        with a slash: this path from the folder's top; old/tmp is the same as /old/tmp
#   *  ?  [a-z]  {a,b}  **/    as in a shell; upper and lower case differ
#   # starts a comment; write \\# for a name that begins with #

# isosyncd and Resilio Sync: their own directory
.sync
# Resilio Sync: unfinished files, and what its older versions left
*.!sync
.!sync*
*.bts
*.SyncPart
*.SyncTemp
*.SyncOld
.SyncID
.SyncIgnore
.SyncArchive
.SyncTrash

# rsync: a file on its way is .NAME.XXXXXX, six letters or digits
.*.${ALNUM_6}
.~tmp~
.rsync-partial
.rsync-tmp

# Syncthing
.syncthing.*.tmp
~syncthing~*.tmp
.stfolder
.stversions
.stignore

# Browsers: Firefox, Chrome, Safari, Edge, Opera
*.part
*.crdownload
.com.google.Chrome.*
*.download
*.partial
*.opdownload

# Download tools: aria2, axel, lftp, WinSCP
*.aria2
*.aria2__temp
*.st
*.lftp-pget-status
*.filepart
# FTP servers: ProFTPD, Pure-FTPd
.in.*.
.pureftpd-upload.*
# Anything that calls itself temporary
*.tmp
*.temp

# Editors: backups, swap and lock files of vi, Emacs, nano, KDE, LibreOffice, MS Office
*~
.*.sw?
\\#*#
.#*
*.kate-swp
.~lock.*#
~$*

# Operating systems and filesystems
.DS_Store
._*
.Spotlight-V100
.Trashes
.fseventsd
.TemporaryItems
Thumbs.db
desktop.ini
$RECYCLE.BIN
System Volume Information
.directory
.Trash-*
# Files deleted while still open: NFS, FUSE, Samba
.nfs*
.fuse_hidden*
.smbdelete*
/lost+found
`
