// What instruments write is not always UTF-8. Bytes in, UTF-8 out, or a sentence why not.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kasetsu::tables {

struct DecodedText {
  std::string text;      // UTF-8 without a byte-order mark
  std::string encoding;  // as which it was read: "utf-8", "utf-16le", "utf-16be", "cp1252", "cp932"
};

// Whether the text is well-formed UTF-8 (RFC 3629); npos, or the offset of the first wrong byte.
std::size_t invalid_utf8(std::string_view text);

// encoding: "auto", or one of the names above ("utf-16": by its mark, else little-endian, as
// Windows programs write it). Auto goes by the byte-order mark, then by what is unmistakable: valid
// UTF-8, or text with a zero in every other byte. Code pages cannot be told from one another, so
// they are never guessed. A byte-order mark goes before what the profile says. bad_data names the
// place of the first byte that does not fit, and shows its line as each code page reads it.
Result<DecodedText> decode_text(std::string_view bytes, std::string_view encoding,
                                std::string_view file_name);

}  // namespace kasetsu::tables
