#include "tests/daemon/store/fault_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

namespace kasetsu::testing {
namespace {

struct Pending {
  bool truncate = false;
  std::int64_t offset = 0;
  std::string bytes;
};

// A file as the disk has it for certain, and what the system was told since.
struct Disk {
  std::string durable;
  std::vector<Pending> pending;
};

struct World {
  std::mutex mutex;
  FaultPlan plan;
  std::int64_t operations = 0;
  bool off = false;
  bool happened = false;
  std::map<std::string, Disk> disks;
};

World& world() {
  static World instance;
  return instance;
}

void enact(std::string& image, const Pending& change) {
  const auto offset = static_cast<std::size_t>(change.offset);
  if (change.truncate) {
    image.resize(offset);
    return;
  }
  if (image.size() < offset + change.bytes.size()) image.resize(offset + change.bytes.size());
  image.replace(offset, change.bytes.size(), change.bytes);
}

// SQLITE_OK, or why this operation fails. The world's mutex is held.
int count_operation(World& w) {
  if (w.off) return SQLITE_IOERR;
  ++w.operations;
  if (w.plan.fail_at == 0 || w.operations < w.plan.fail_at) return SQLITE_OK;
  if (w.operations > w.plan.fail_at && !w.plan.for_ever && !w.plan.power_cut) return SQLITE_OK;
  w.happened = true;
  if (w.plan.power_cut) {
    w.off = true;
    return SQLITE_IOERR;
  }
  return w.plan.code;
}

struct File {
  sqlite3_file base;
  sqlite3_file* real;
  std::string* path;  // null: a temporary file, which nobody misses
};

File* self(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return self(file)->real;
}

int close_file(sqlite3_file* file) {
  const int code =
      real(file)->pMethods != nullptr ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
  delete self(file)->path;
  self(file)->path = nullptr;
  return code;
}

int read_file(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
  {
    const std::lock_guard guard(world().mutex);
    if (world().off) return SQLITE_IOERR_READ;
  }
  return real(file)->pMethods->xRead(real(file), out, amount, offset);
}

// The world's mutex is held.
int write_piece(sqlite3_file* file, const char* data, int amount, sqlite3_int64 offset) {
  World& w = world();
  if (const int code = count_operation(w); code != SQLITE_OK) {
    return code == SQLITE_IOERR ? SQLITE_IOERR_WRITE : code;
  }
  if (w.plan.full) {
    sqlite3_int64 size = 0;
    real(file)->pMethods->xFileSize(real(file), &size);
    if (offset + amount > size) {
      w.happened = true;
      return SQLITE_FULL;
    }
  }
  if (self(file)->path != nullptr) {
    w.disks[*self(file)->path].pending.push_back(
        {false, offset, std::string(data, static_cast<std::size_t>(amount))});
  }
  return real(file)->pMethods->xWrite(real(file), data, amount, offset);
}

int write_file(sqlite3_file* file, const void* data, int amount, sqlite3_int64 offset) {
  const std::lock_guard guard(world().mutex);
  // A large write reaches the disk in pieces, and may end after any of them.
  constexpr int kPiece = 4096;
  for (int done = 0; done < amount;) {
    const int size = std::min(kPiece, amount - done);
    const int code = write_piece(file, static_cast<const char*>(data) + done, size, offset + done);
    if (code != SQLITE_OK) return code;
    done += size;
  }
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  World& w = world();
  const std::lock_guard guard(w.mutex);
  if (const int code = count_operation(w); code != SQLITE_OK) {
    return code == SQLITE_IOERR ? SQLITE_IOERR_TRUNCATE : code;
  }
  if (self(file)->path != nullptr) {
    w.disks[*self(file)->path].pending.push_back({true, size, {}});
  }
  return real(file)->pMethods->xTruncate(real(file), size);
}

int sync_file(sqlite3_file* file, int) {
  World& w = world();
  const std::lock_guard guard(w.mutex);
  if (const int code = count_operation(w); code != SQLITE_OK) {
    return code == SQLITE_IOERR ? SQLITE_IOERR_FSYNC : code;
  }
  if (self(file)->path == nullptr) return SQLITE_OK;
  const std::string& path = *self(file)->path;
  if (w.plan.lying_wal && path.ends_with("-wal")) return SQLITE_OK;
  Disk& disk = w.disks[path];
  for (const Pending& change : disk.pending) enact(disk.durable, change);
  disk.pending.clear();
  return SQLITE_OK;  // the real disk need not be bothered: it keeps its power
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_reserved(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int file_control(sqlite3_file* file, int op, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), op, argument);
}
int sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

const sqlite3_io_methods kMethods = {
    2,        close_file,  read_file,      write_file,   truncate_file, sync_file,       file_size,
    lock,     unlock,      check_reserved, file_control, sector_size,   characteristics, shm_map,
    shm_lock, shm_barrier, shm_unmap,      nullptr,      nullptr};

sqlite3_vfs* under(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  File* mine = self(file);
  mine->base.pMethods = nullptr;
  mine->path = nullptr;
  mine->real = reinterpret_cast<sqlite3_file*>(mine + 1);
  mine->real->pMethods = nullptr;
  World& w = world();
  const bool kept =
      name != nullptr &&
      (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  {
    const std::lock_guard guard(w.mutex);
    if (w.off) return SQLITE_CANTOPEN;
    if ((flags & SQLITE_OPEN_CREATE) != 0 && (name == nullptr || !std::filesystem::exists(name))) {
      if (count_operation(w) != SQLITE_OK) return SQLITE_CANTOPEN;
    }
    if (kept && !w.disks.contains(name)) {
      std::ifstream in(name, std::ios::binary);
      Disk disk;
      if (in) disk.durable.assign(std::istreambuf_iterator<char>(in), {});
      w.disks.emplace(name, std::move(disk));
    }
  }
  const int code = under(vfs)->xOpen(under(vfs), name, mine->real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  if (kept) mine->path = new std::string(name);
  mine->base.pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync) {
  World& w = world();
  const std::lock_guard guard(w.mutex);
  if (count_operation(w) != SQLITE_OK) return SQLITE_IOERR_DELETE;
  w.disks.erase(name);
  return under(vfs)->xDelete(under(vfs), name, sync);
}
int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
  return under(vfs)->xAccess(under(vfs), name, flags, out);
}
int full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
  return under(vfs)->xFullPathname(under(vfs), name, size, out);
}
int randomness(sqlite3_vfs* vfs, int size, char* out) {
  return under(vfs)->xRandomness(under(vfs), size, out);
}
int sleep_for(sqlite3_vfs* vfs, int micros) {
  return under(vfs)->xSleep(under(vfs), micros);
}
int current_time(sqlite3_vfs* vfs, double* out) {
  return under(vfs)->xCurrentTime(under(vfs), out);
}
int last_error(sqlite3_vfs* vfs, int size, char* out) {
  return under(vfs)->xGetLastError(under(vfs), size, out);
}
int current_time64(sqlite3_vfs* vfs, sqlite3_int64* out) {
  return under(vfs)->xCurrentTimeInt64(under(vfs), out);
}

}  // namespace

void register_fault_vfs() {
  static std::once_flag once;
  std::call_once(once, [] {
    static sqlite3_vfs vfs{};
    sqlite3_vfs* unix_vfs = sqlite3_vfs_find(nullptr);
    vfs.iVersion = 2;
    vfs.szOsFile = static_cast<int>(sizeof(File)) + unix_vfs->szOsFile;
    vfs.mxPathname = unix_vfs->mxPathname;
    vfs.zName = kFaultVfs;
    vfs.pAppData = unix_vfs;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    vfs.xAccess = access_file;
    vfs.xFullPathname = full_path;
    vfs.xRandomness = randomness;
    vfs.xSleep = sleep_for;
    vfs.xCurrentTime = current_time;
    vfs.xGetLastError = last_error;
    vfs.xCurrentTimeInt64 = current_time64;
    sqlite3_vfs_register(&vfs, 0);
  });
}

void reset_faults(const FaultPlan& plan) {
  World& w = world();
  const std::lock_guard guard(w.mutex);
  w.plan = plan;
  w.operations = 0;
  w.off = false;
  w.happened = false;
  w.disks.clear();
}

void set_full(bool full) {
  const std::lock_guard guard(world().mutex);
  world().plan.full = full;
}

std::int64_t fault_operations() {
  const std::lock_guard guard(world().mutex);
  return world().operations;
}

bool power_is_off() {
  const std::lock_guard guard(world().mutex);
  return world().off;
}

bool fault_happened() {
  const std::lock_guard guard(world().mutex);
  return world().happened;
}

void power_on(Random& random, bool reorder) {
  World& w = world();
  const std::lock_guard guard(w.mutex);
  for (auto& [path, disk] : w.disks) {
    std::string image = disk.durable;
    for (Pending change : disk.pending) {
      if (!reorder || random.below(2) == 0) continue;
      // A write may also be torn, at a sector's border.
      if (!change.truncate && change.bytes.size() > 512 && random.below(4) == 0) {
        change.bytes.resize(512 * (1 + random.below(change.bytes.size() / 512)));
      }
      enact(image, change);
    }
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(image.data(), static_cast<std::streamsize>(image.size()));
    std::error_code ignored;
    // Shared memory does not outlive the machine.
    if (!path.ends_with("-wal")) std::filesystem::remove(path + "-shm", ignored);
  }
  w.disks.clear();
  w.plan = {};
  w.off = false;
}

}  // namespace kasetsu::testing
