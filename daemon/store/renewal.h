// Keys that earlier versions wrote become those of the present rules, once for each campaign, when
// a database is opened. Nothing is merged silently: the table renewed_keys keeps what each key was
// and how much it had, every run keeps the key under which it came (runs.told), and an event and
// the log name the keys that became one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "daemon/base/time.h"
#include "daemon/store/sqlite.h"
#include "daemon/store/written_keys.h"

namespace kasetsu::store {

// The rules that write keys now; raise it when core/chemistry makes other keys of the same text.
inline constexpr std::int64_t kKeyRules = 1;

struct NewKey {
  std::string key;          // canonical, by the present rules
  std::string description;  // for people
};
// What becomes of a campaign's keys; those that stay are left out. None: the campaign's file cannot
// be read now, and its keys are renewed at a later start.
using RenewKeys =
    std::function<std::optional<std::map<std::string, NewKey>>(const WrittenKeys& of_campaign)>;

// In one transaction of its own. Open proposals that become the same one as another under another
// key are cancelled unless somebody has leased them. Throws StorageError: nothing was done.
void renew(Connection& writer, const RenewKeys& rules, Time now,
           const std::function<void(const std::string&)>& log);

}  // namespace kasetsu::store
