/* A disk that is full when the file named by KASETSU_FULL_DISK exists, for a daemon that this library is loaded into
   (LD_PRELOAD): what would make a file longer fails with ENOSPC; what is there can be read and written over. Needs no rights
   and no file system of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int grows(int file, off_t end) {
  const char* full = getenv("KASETSU_FULL_DISK");
  struct stat found;
  if (full == NULL || access(full, F_OK) != 0 || fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) return 0;
  return end > found.st_size;
}

ssize_t pwrite64(int file, const void* bytes, size_t count, off64_t at) {
  static ssize_t (*next)(int, const void*, size_t, off64_t);
  if (next == NULL) next = (ssize_t(*)(int, const void*, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  if (grows(file, at + (off_t)count)) {
    errno = ENOSPC;
    return -1;
  }
  return next(file, bytes, count, at);
}

ssize_t pwrite(int file, const void* bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

int ftruncate64(int file, off64_t length) {
  static int (*next)(int, off64_t);
  if (next == NULL) next = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
  if (grows(file, length)) {
    errno = ENOSPC;
    return -1;
  }
  return next(file, length);
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }
