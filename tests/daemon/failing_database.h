// A database whose reading or writing can be made to fail as it does where memory or disk is short.
#pragma once

#include <atomic>
#include <new>
#include <utility>

#include "daemon/campaign/records/store_port.h"

namespace kasetsu::testing {

class FailingDatabase : public campaign::Database {
 public:
  explicit FailingDatabase(campaign::Database& database) : database_(database) {}
  // The next reads throw; the next writes, after some that do not, find a full disk.
  void fail_reads(int times) { reads_ = times; }
  void fail_writes(int times, int after = 0) {
    before_ = after;
    writes_ = times;
  }
  int reads_left() const { return reads_; }

  Status read(const std::function<Status(const campaign::Reader&)>& task) const override {
    if (reads_ > 0) {
      --reads_;
      throw std::bad_alloc();
    }
    return database_.read(task);
  }
  void write(std::function<Status(campaign::Transaction&)> task, std::function<void(Status)> done,
             campaign::Repeat repeat) override {
    if (before_ > 0) {
      --before_;
    } else if (writes_ > 0) {
      --writes_;
      done(Error{ErrorCode::storage_full, "the disk is full", "", "", ""});
      return;
    }
    database_.write(std::move(task), std::move(done), repeat);
  }
  void on_commit(std::function<void(std::int64_t)> listener) override {
    database_.on_commit(std::move(listener));
  }
  std::int64_t last_event() const override { return database_.last_event(); }
  Status health() const override { return database_.health(); }
  Status backup(const std::string& path) const override { return database_.backup(path); }
  Result<campaign::CheckReport> check() const override { return database_.check(); }

 private:
  campaign::Database& database_;
  mutable std::atomic<int> reads_{0};
  std::atomic<int> writes_{0}, before_{0};
};

}  // namespace kasetsu::testing
