"""One host with libtorrent (not named so: Python would import this file in its place).

    torrent-host.py make FILE TORRENT
    torrent-host.py seed|leech ADDRESS TORRENT DIRECTORY OTHERS     waits for the torrent; a leech that has all makes .done
"""
import os
import sys
import time

import libtorrent as lt

PORT = 6881
# create_torrent.v1_only: a seed of a hybrid torrent, told that it has all, does not serve it.
V1_ONLY = 64
SETTINGS = {
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": False, "enable_incoming_utp": False, "mixed_mode_algorithm": 0,
    "out_enc_policy": 2, "in_enc_policy": 2,
    "unchoke_slots_limit": -1, "alert_mask": 0,
}


def make(file, torrent):
    files = lt.file_storage()
    lt.add_files(files, file)
    creator = lt.create_torrent(files, flags=V1_ONLY)
    lt.set_piece_hashes(creator, os.path.dirname(file))
    with open(torrent + ".partial", "wb") as f:
        f.write(lt.bencode(creator.generate()))
    os.rename(torrent + ".partial", torrent)


def take_part(role, address, torrent, directory, others):
    session = lt.session({**SETTINGS, "listen_interfaces": f"{address}:{PORT}"})
    while not os.path.exists(torrent):
        time.sleep(0.01)
    params = {"ti": lt.torrent_info(torrent), "save_path": directory}
    if role == "seed":
        params["flags"] = lt.torrent_flags.seed_mode
    handle = session.add_torrent(params)
    while True:
        for other in others.split(","):
            handle.connect_peer((other, PORT))
        for _ in range(20):
            if role == "leech" and handle.status().is_seeding:
                open(os.path.join(directory, ".done"), "a").close()
            time.sleep(0.05)


if sys.argv[1] == "make":
    make(*sys.argv[2:])
else:
    take_part(*sys.argv[1:])
