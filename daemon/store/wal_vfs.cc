#include "daemon/store/wal_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

namespace kasetsu::store {
namespace {

constexpr std::size_t kMostKept = 1 << 20;
// SQLite's layer for Unix takes only the lower 17 bits of a length.
constexpr std::size_t kMostAtOnce = 1 << 16;

// Not more than what SQLite asks of a file: the rest is in State.
struct WalFile {
  sqlite3_file base;
  struct State* state;
};

// Bytes that SQLite believes written, from `begin` on without a gap.
struct State {
  std::unique_ptr<std::byte[]> memory;  // of `real`
  sqlite3_file* real = nullptr;
  std::string kept;
  sqlite3_int64 begin = 0;
  // A write failed after SQLite had been told that it was done: every later one fails, too, until
  // the bytes are written anew, which is what follows a rollback.
  int lost = SQLITE_OK;
  sqlite3_int64 lost_from = 0;

  int flush() {
    if (kept.empty()) return lost;
    for (std::size_t done = 0; done < kept.size() && lost == SQLITE_OK;) {
      const std::size_t size = std::min(kMostAtOnce, kept.size() - done);
      lost = real->pMethods->xWrite(real, kept.data() + done, static_cast<int>(size),
                                    begin + static_cast<sqlite3_int64>(done));
      if (lost != SQLITE_OK) lost_from = begin;
      done += size;
    }
    kept.clear();
    return lost;
  }
};

State& state_of(sqlite3_file* file) {
  return *reinterpret_cast<WalFile*>(file)->state;
}

int close_file(sqlite3_file* file) {
  State* state = &state_of(file);
  const int written = state->flush();
  const int closed = state->real->pMethods->xClose(state->real);
  delete state;
  reinterpret_cast<WalFile*>(file)->state = nullptr;
  return closed != SQLITE_OK ? closed : written;
}

int read_file(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
  State& state = state_of(file);
  if (const int code = state.flush(); code != SQLITE_OK && offset + amount > state.lost_from) {
    return code;
  }
  return state.real->pMethods->xRead(state.real, out, amount, offset);
}

int write_file(sqlite3_file* file, const void* data, int amount, sqlite3_int64 offset) {
  State& state = state_of(file);
  if (state.lost != SQLITE_OK) {
    if (offset > state.lost_from) return state.lost;
    state.lost = SQLITE_OK;
  }
  const auto end = state.begin + static_cast<sqlite3_int64>(state.kept.size());
  if (!state.kept.empty() && (offset != end || state.kept.size() >= kMostKept)) {
    if (const int code = state.flush(); code != SQLITE_OK) {
      // The bytes that were lost come before these: SQLite begins again below both.
      state.lost_from = std::min(state.lost_from, offset);
      return code;
    }
  }
  if (state.kept.empty()) state.begin = offset;
  state.kept.append(static_cast<const char*>(data), static_cast<std::size_t>(amount));
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  State& state = state_of(file);
  if (const int code = state.flush(); code != SQLITE_OK) return code;
  return state.real->pMethods->xTruncate(state.real, size);
}

int sync_file(sqlite3_file* file, int flags) {
  State& state = state_of(file);
  if (const int code = state.flush(); code != SQLITE_OK) return code;
  return state.real->pMethods->xSync(state.real, flags);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  State& state = state_of(file);
  if (const int code = state.flush(); code != SQLITE_OK) return code;
  return state.real->pMethods->xFileSize(state.real, size);
}

// The rest is handed on. A WAL file is never locked and has no shared memory of its own.
sqlite3_file* real_of(sqlite3_file* file) {
  return state_of(file).real;
}
int lock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int check_lock(sqlite3_file* file, int* result) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
int characteristics(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

const sqlite3_io_methods kMethods = {
    1,         close_file,  read_file,  write_file,   truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_lock, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,     nullptr,    nullptr,      nullptr};

sqlite3_vfs* below(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  sqlite3_vfs* const base = below(vfs);
  if ((flags & SQLITE_OPEN_WAL) == 0) return base->xOpen(base, name, file, flags, out_flags);
  file->pMethods = nullptr;
  auto state = std::make_unique<State>();
  state->memory = std::make_unique<std::byte[]>(static_cast<std::size_t>(base->szOsFile));
  state->real = reinterpret_cast<sqlite3_file*>(state->memory.get());
  const int code = base->xOpen(base, name, state->real, flags, out_flags);
  if (code != SQLITE_OK) {
    if (state->real->pMethods != nullptr) state->real->pMethods->xClose(state->real);
    return code;
  }
  state->kept.reserve(kMostKept + 8192);
  reinterpret_cast<WalFile*>(file)->state = state.release();
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

struct Layer {
  std::string name;
  sqlite3_vfs vfs{};
};

}  // namespace

std::string wal_vfs(const std::string& name_below) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<Layer>> layers;  // SQLite keeps their addresses
  const std::lock_guard lock(mutex);
  sqlite3_vfs* const base = sqlite3_vfs_find(name_below.empty() ? nullptr : name_below.c_str());
  if (base == nullptr) return {};
  auto& layer = layers[base->zName];
  if (layer && layer->vfs.pAppData == base) return layer->name;
  if (layer) sqlite3_vfs_unregister(&layer->vfs);
  layer = std::make_unique<Layer>();
  layer->name = std::string("kasetsu-wal-over-") + base->zName;
  sqlite3_vfs& vfs = layer->vfs;
  vfs = *base;
  vfs.pNext = nullptr;
  vfs.iVersion = std::min(vfs.iVersion, 2);
  vfs.zName = layer->name.c_str();
  vfs.pAppData = base;
  vfs.szOsFile = std::max<int>(base->szOsFile, sizeof(WalFile));
  vfs.xOpen = open_file;
  vfs.xDelete = [](sqlite3_vfs* v, const char* path, int sync) {
    return below(v)->xDelete(below(v), path, sync);
  };
  vfs.xAccess = [](sqlite3_vfs* v, const char* path, int flags, int* result) {
    return below(v)->xAccess(below(v), path, flags, result);
  };
  vfs.xFullPathname = [](sqlite3_vfs* v, const char* path, int size, char* out) {
    return below(v)->xFullPathname(below(v), path, size, out);
  };
  vfs.xDlOpen = [](sqlite3_vfs* v, const char* path) { return below(v)->xDlOpen(below(v), path); };
  vfs.xDlError = [](sqlite3_vfs* v, int size, char* out) {
    below(v)->xDlError(below(v), size, out);
  };
  vfs.xDlSym = [](sqlite3_vfs* v, void* library, const char* symbol) {
    return below(v)->xDlSym(below(v), library, symbol);
  };
  vfs.xDlClose = [](sqlite3_vfs* v, void* library) { below(v)->xDlClose(below(v), library); };
  vfs.xRandomness = [](sqlite3_vfs* v, int size, char* out) {
    return below(v)->xRandomness(below(v), size, out);
  };
  vfs.xSleep = [](sqlite3_vfs* v, int micros) { return below(v)->xSleep(below(v), micros); };
  vfs.xCurrentTime = [](sqlite3_vfs* v, double* days) {
    return below(v)->xCurrentTime(below(v), days);
  };
  vfs.xGetLastError = [](sqlite3_vfs* v, int size, char* out) {
    return below(v)->xGetLastError != nullptr ? below(v)->xGetLastError(below(v), size, out) : 0;
  };
  vfs.xCurrentTimeInt64 = [](sqlite3_vfs* v, sqlite3_int64* millis) {
    return below(v)->xCurrentTimeInt64(below(v), millis);
  };
  sqlite3_vfs_register(&vfs, 0);
  return layer->name;
}

}  // namespace kasetsu::store
