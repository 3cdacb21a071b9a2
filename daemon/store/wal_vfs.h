// A layer over SQLite's view of the file system: what one commit appends to the WAL file goes to
// the system in one write, instead of two for every page.
//
// SQLite hands out a WAL's pages one by one and then syncs; nobody may read them before. The layer
// keeps them until the sync (or until it is asked to read them, or has a megabyte), writes, then
// syncs: what a sync has answered for is on the disk as before. Every other file is the layer
// below's own.
#pragma once

#include <string>

namespace kasetsu::store {

// The name of the layer over the VFS `below` (empty: the default one), registered at its first use.
// Empty when there is no such VFS.
std::string wal_vfs(const std::string& below);

}  // namespace kasetsu::store
