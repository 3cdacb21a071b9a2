// What the decoders of deliveries share. Other rooms call prepare_delivery.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/chemistry/catalyst.h"
#include "daemon/base/json.h"
#include "daemon/campaign/ingest/ingest.h"

namespace kasetsu::campaign {

inline constexpr std::size_t kLongestLabel = 200;

inline Error bad_delivery(std::string_view pointer, std::string message, std::string value = {},
                          std::string expected = {}) {
  return Error{ErrorCode::bad_data, std::move(message), std::string(pointer), std::move(value),
               std::move(expected)};
}

// Refuses what is no name: too long, or with a character that cannot be seen. place() says where.
template <typename Place>
Status check_label(std::string_view label, const Place& place) {
  const bool printable = std::none_of(label.begin(), label.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (label.size() <= kLongestLabel && printable) return {};
  return bad_delivery(place(), "not a name", std::string(label),
                      fmt::format("at most {} printable characters", kLongestLabel));
}

// A row that goes into quarantine for `error`; raw: the row as JSON.
PreparedRow refused_row(const Error& error, std::string raw, std::string_view pointer);

Error too_many(std::size_t rows, std::size_t most);

Error no_value(const DeliveryOptions& options);

// Rows of a table. Errors are those of the header; a row with a fault carries it.
Status prepare_csv(PreparedDelivery& delivery, const chemistry::SupportTable& supports);

// A row of a table in quarantine: {"table": header and row, "targets": [...], "conditions"?,
// "id"?}.
Result<PreparedRow> prepare_table_row(const Json& object, const chemistry::SupportTable& supports,
                                      const chemistry::CompositionRules& rules);

}  // namespace kasetsu::campaign
