// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <gtest/gtest.h>

namespace {

TEST(Text, CleanKeepsWhatPeopleWrite) {
    for (const char *text :
         {"", "EC25", "Quectel RM500Q-GL", "移远通信", "Ünïcode €", "a\xf0\x9f\x93\xb6"})
        EXPECT_EQ(clean(text), text);
    EXPECT_EQ(clean("  LTE Module \n"), "LTE Module");
    EXPECT_EQ(clean(" \n\t"), "");
}

TEST(Text, CleanDisarmsWhatTerminalsObey) {
    EXPECT_EQ(clean("\x1b[31mred\x1b]0;title\x07"), "?[31mred?]0;title?");
    EXPECT_EQ(clean("a\rb\nc\td"), "a?b?c?d");
    EXPECT_EQ(clean(std::string("a\0b", 3)), "a?b");
    EXPECT_EQ(clean("a\x7f"), "a?");
    EXPECT_EQ(clean("a\xc2\x9b"), "a?"); // CSI as one character
    EXPECT_EQ(clean("a\xe2\x80\xae"
                    "b"),
              "a?b"); // right-to-left override
    EXPECT_EQ(clean("a\xe2\x80\x8b"
                    "b"),
              "a?b"); // zero width
    EXPECT_EQ(clean("a\xe2\x80\xa8"
                    "b"),
              "a?b"); // line separator
    EXPECT_EQ(clean("\xef\xbb\xbf"
                    "b"),
              "?b"); // byte order mark
}

TEST(Text, CleanDisarmsWhatIsNotUtf8) {
    EXPECT_EQ(clean("\xff\xfe"), "??");
    EXPECT_EQ(clean("a\xc3"), "a?");              // cut
    EXPECT_EQ(clean("\xe2\x82"), "??");           // cut
    EXPECT_EQ(clean("\xf0\x9f\x93"), "???");      // cut
    EXPECT_EQ(clean("\xc0\xaf"), "??");           // overlong
    EXPECT_EQ(clean("\xe0\x80\xaf"), "???");      // overlong
    EXPECT_EQ(clean("\xed\xa0\x80"), "???");      // half of a pair
    EXPECT_EQ(clean("\xf4\x90\x80\x80"), "????"); // beyond the last
    EXPECT_EQ(clean("\xc3(b"), "?(b");            // the next character stays
    EXPECT_EQ(clean("\x80y"), "?y");
}

TEST(Text, Numbers) {
    EXPECT_EQ(parse_number("0"), 0u);
    EXPECT_EQ(parse_number("129"), 129u);
    EXPECT_EQ(parse_number("0x81"), 0x81u);
    EXPECT_EQ(parse_number("0XfF"), 0xffu);
    EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
    for (const char *bad : {"", " 1", "1 ", "1x", "-1", "+1", "x", "0x", "0x-1", "0xg", "1.5",
                            "18446744073709551616", "0x10000000000000000"})
        EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
}

TEST(Text, HumanBytes) {
    EXPECT_EQ(human_bytes(0), "0 B");
    EXPECT_EQ(human_bytes(1023), "1023 B");
    EXPECT_EQ(human_bytes(1024), "1.0 KiB");
    EXPECT_EQ(human_bytes(1536 * 1024.0), "1.5 MiB");
    EXPECT_EQ(human_bytes(1.8446744073709552e19), "16.0 EiB");
}

TEST(Text, TableIsAsWideAsItsCells) {
    Table table({"A", "LONG"});
    table.add({"wide", "x"});
    table.add({"é", "\x1b[2J"});
    EXPECT_EQ(table.text("> "), "> A     LONG\n> wide  x\n> é     ?[2J\n");
}

} // namespace
