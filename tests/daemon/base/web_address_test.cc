#include "daemon/base/web_address.h"

#include <gtest/gtest.h>

namespace kasetsu {
namespace {

TEST(WebAddress, IsReadInOneWayOrNotAtAll) {
  const auto plain = read_web_address("https://Hooks.Example.org/a?b#c");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "hooks.example.org");
  EXPECT_EQ(plain->port, 443);
  EXPECT_EQ(read_web_address("http://127.0.0.1:19999/x")->port, 19'999);
  EXPECT_EQ(read_web_address("http://[::1]:80/x")->host, "[::1]");
  EXPECT_EQ(read_web_address("http://localhost?@127.0.0.1/")->host, "localhost");
  for (const char* url :
       {"", "https://", "https:///a", "ftp://x.org/", "x.org", "http://127.0.0.1@localhost:19998/",
        "http://127.0.0.1:19999@localhost/", "http://127.0.0.1:19999\\@localhost/",
        "http://127.0.0.1:85535/", "http://127.0.0.1:019999/", "http://127.0.0.1:/",
        "http://127.0.0.1:0/", "http://127.0.0.1/a b", "http://x.org/\n", "http://x.org:8a/",
        "http://[::1/", "http://[::1]x/", "http://x%2eorg/", "https://sch\xC3\xB6n.org/"}) {
    EXPECT_FALSE(read_web_address(url)) << url;
  }
}

TEST(WebAddress, AListedPortIsThatPortAlone) {
  const WebAddress address = *read_web_address("http://127.0.0.1:19999/x");
  EXPECT_TRUE(is_listed(address, "127.0.0.1"));
  EXPECT_TRUE(is_listed(address, "127.0.0.1:19999"));
  EXPECT_FALSE(is_listed(address, "127.0.0.1:19998"));
  EXPECT_FALSE(is_listed(address, "localhost"));
  EXPECT_TRUE(is_listed(*read_web_address("https://X.org/"), "x.ORG:443"));
  EXPECT_FALSE(is_listed(*read_web_address("https://x.org.evil.net/"), "x.org"));
}

TEST(WebAddress, AnEntryThatNeverMatchesIsNone) {
  for (const char* entry : {"x.org", "x.org:8443", "127.0.0.1", "[::1]", "[::1]:8443"}) {
    EXPECT_TRUE(is_host_entry(entry)) << entry;
  }
  for (const char* entry : {"", "https://x.org", "x.org/", "x.org:", "x.org:99999", "*.x.org",
                            "::1", "a b", "me@x.org"}) {
    EXPECT_FALSE(is_host_entry(entry)) << entry;
  }
}

}  // namespace
}  // namespace kasetsu
