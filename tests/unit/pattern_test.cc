// SPDX-License-Identifier: GPL-2.0
#include "ip_peer.h"
#include "pattern.h"

#include <gtest/gtest.h>

#include <bit>

using namespace vmodem;

TEST(Pattern, WordsAgreeWithBytesAtAnyAlignment) {
    for (uint64_t offset : {0ull, 1ull, 7ull, 8ull, 65533ull, 0xfffffffffull})
        for (size_t length : {0u, 1u, 7u, 8u, 9u, 31u, 1460u}) {
            Bytes bytes(length);
            fill_pattern(offset, bytes);
            for (size_t i = 0; i < length; ++i)
                ASSERT_EQ(bytes[i], pattern_byte(offset + i)) << offset << "+" << i;
            EXPECT_EQ(pattern_mismatches(offset, bytes), 0u);
        }
}

TEST(Pattern, CountsEachWrongByte) {
    Bytes bytes(1000);
    fill_pattern(3, bytes);
    for (size_t i : {0u, 4u, 5u, 6u, 500u, 999u})
        bytes[i] ^= 1;
    EXPECT_EQ(pattern_mismatches(3, bytes), 6u);
}

TEST(Pattern, MovedBlocksDiffer) {
    constexpr size_t size = 4096;
    Bytes block(size);
    for (int shift_bit = 0; shift_bit < 40; ++shift_bit)
        for (uint64_t multiple : {1, 3, 255}) {
            uint64_t shift = multiple << shift_bit;
            fill_pattern(1000000 + shift, block);
            // Random bytes would agree in 1 of 256.
            EXPECT_GT(pattern_mismatches(1000000, block), size * 97 / 100) << shift;
        }
}

TEST(Pattern, IsBalanced) {
    Bytes bytes(1 << 16);
    fill_pattern(0, bytes);
    int ones = 0;
    for (uint8_t byte : bytes)
        ones += std::popcount(byte);
    EXPECT_NEAR(ones, 1 << 18, 1 << 12);
}
