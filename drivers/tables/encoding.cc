#include "drivers/tables/encoding.h"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "drivers/tables/option_names.h"

namespace kasetsu::tables {
namespace {

// Length of the well-formed sequence that starts at `at`, 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(at + 1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;  // surrogates are not characters
    return follows(at + 1, low, high) && follows(at + 2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(at + 1, low, high) && follows(at + 2, 0x80, 0xBF) && follows(at + 3, 0x80, 0xBF)
               ? 4
               : 0;
  }
  return 0;
}

struct Converter {
  explicit Converter(const char* from) : handle(::iconv_open("UTF-8", from)) {}
  ~Converter() {
    if (handle != reinterpret_cast<iconv_t>(-1)) ::iconv_close(handle);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  iconv_t handle;
};

Result<std::string> convert(std::string_view bytes, const char* from, std::string_view file_name,
                            std::string_view encoding) {
  const Converter converter(from);
  if (converter.handle == reinterpret_cast<iconv_t>(-1)) {
    return Error{ErrorCode::internal, "this machine cannot convert the encoding", "encoding",
                 std::string(encoding), "the conversion tables of the C library (gconv)"};
  }
  std::string text;
  std::string input(bytes);
  char* in = input.data();
  std::size_t left = input.size();
  std::array<char, 16 * 1024> buffer;
  while (left > 0) {
    char* out = buffer.data();
    std::size_t room = buffer.size();
    const std::size_t done = ::iconv(converter.handle, &in, &left, &out, &room);
    const int failure = errno;
    text.append(buffer.data(), buffer.size() - room);
    if (done != static_cast<std::size_t>(-1) || failure == E2BIG) continue;
    const auto line = 1 + std::count(text.begin(), text.end(), '\n');
    return Error{ErrorCode::bad_data, fmt::format("the file is not in {}", encoding),
                 csv_place(file_name, static_cast<std::size_t>(line)),
                 left > 0 ? fmt::format("byte 0x{:02X}", static_cast<unsigned char>(*in)) : "",
                 "the encoding in which the program writes (key encoding of the profile)"};
  }
  return text;
}

// Text of ASCII characters in UTF-16 has a zero in every other byte; real text in any other
// encoding has none.
std::string_view looks_like_utf16(std::string_view bytes) {
  if (bytes.size() < 2 || bytes.size() % 2 != 0) return "";
  const std::size_t some = std::min<std::size_t>(bytes.size(), 512);
  std::size_t even = 0, odd = 0;
  for (std::size_t i = 0; i < some; ++i) {
    if (bytes[i] == '\0') ++(i % 2 == 0 ? even : odd);
  }
  if (odd > some / 4 && even == 0) return "utf-16le";
  if (even > some / 4 && odd == 0) return "utf-16be";
  return "";
}

// The line that holds the byte at `at`, as each code page reads it, for those who must choose.
std::string readings(std::string_view bytes, std::size_t at, std::string_view file_name) {
  constexpr std::size_t kLongest = 60;
  const auto begin = at == 0 ? std::string_view::npos : bytes.rfind('\n', at - 1);
  const std::size_t from = begin == std::string_view::npos ? 0 : begin + 1;
  std::size_t end = std::min(bytes.find('\n', at), bytes.size());
  while (end > from && bytes[end - 1] == '\r') --end;
  std::string text;
  for (const auto& [name, from_name] :
       {std::pair{"cp1252", "CP1252"}, std::pair{"cp932", "CP932"}}) {
    const auto line = convert(bytes.substr(from, end - from), from_name, file_name, name);
    if (!line) continue;
    std::size_t length = std::min(line->size(), kLongest);
    while (length < line->size() &&
           (static_cast<unsigned char>((*line)[length]) & 0xC0U) == 0x80U) {
      ++length;
    }
    text += fmt::format("{}--encoding {}, which reads \"{}\"", text.empty() ? "" : "; or ", name,
                        line->substr(0, length));
  }
  return text;
}

}  // namespace

std::size_t invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

Result<DecodedText> decode_text(std::string_view bytes, std::string_view encoding,
                                std::string_view file_name) {
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("\xD0\xCF\x11\xE0")) {
    return Error{ErrorCode::bad_data, "this is a workbook, not a table of text",
                 std::string(file_name), "", "the sheet saved as \"CSV UTF-8\""};
  }
  std::string name(encoding);
  if (bytes.starts_with("\xEF\xBB\xBF")) {
    name = "utf-8";
    bytes.remove_prefix(3);
  } else if (bytes.starts_with("\xFF\xFE")) {
    name = "utf-16le";
    bytes.remove_prefix(2);
  } else if (bytes.starts_with("\xFE\xFF")) {
    name = "utf-16be";
    bytes.remove_prefix(2);
  } else if (name == "utf-16") {
    name = "utf-16le";
  } else if (name == "auto") {
    const std::string_view wide = looks_like_utf16(bytes);
    name = wide.empty() ? "utf-8" : wide;
  }
  DecodedText decoded;
  decoded.encoding = name;
  if (name == "utf-8") {
    const std::size_t wrong = invalid_utf8(bytes);
    if (wrong != std::string_view::npos) {
      const auto line =
          1 + std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(wrong), '\n');
      const std::string read = readings(bytes, wrong, file_name);
      return Error{ErrorCode::bad_data, "the file is not in UTF-8",
                   csv_place(file_name, static_cast<std::size_t>(line)),
                   fmt::format("byte 0x{:02X}", static_cast<unsigned char>(bytes[wrong])),
                   read.empty() ? "UTF-8: neither cp1252 nor cp932 reads this line"
                                : "UTF-8; or " + read + " (in a profile: encoding)"};
    }
    decoded.text = bytes;
    return decoded;
  }
  const char* from = name == "utf-16le"   ? "UTF-16LE"
                     : name == "utf-16be" ? "UTF-16BE"
                     : name == "cp1252"   ? "CP1252"
                     : name == "cp932"    ? "CP932"
                                          : nullptr;
  if (from == nullptr) {
    return Error{ErrorCode::invalid_argument, "unknown encoding", "encoding", name,
                 join_or(encoding_names())};
  }
  auto text = convert(bytes, from, file_name, name);
  if (!text) return text.error();
  decoded.text = std::move(*text);
  return decoded;
}

}  // namespace kasetsu::tables
