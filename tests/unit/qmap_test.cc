// SPDX-License-Identifier: GPL-2.0
// The driver's wire codec, from the source that the module is built from.
#include "../../driver/qmap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

// Frames in a buffer of exactly their size, so that ASan sees a read past it.
class Walk {
  public:
    Walk(const Bytes &transfer, qmap_version version, size_t dl_padding = 0)
        : copy_(new uint8_t[transfer.size()]) {
        std::copy(transfer.begin(), transfer.end(), copy_.get());
        walk_ = {copy_.get(), transfer.size(), version, dl_padding};
    }
    qmap_result next() { return qmap_next(&walk_, &frame); }
    size_t left() const { return walk_.left; }
    Bytes payload() const { return Bytes(frame.payload, frame.payload + frame.len); }

    qmap_frame frame{};

  private:
    std::unique_ptr<uint8_t[]> copy_;
    qmap_walk walk_{};
};

Bytes cat(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes &part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

const Bytes good = {0x01, 0x82, 0x00, 0x04, 0x45, 0xaa, 0xbb, 0x00};

TEST(Qmap, EmptyTransferEnds) {
    EXPECT_EQ(Walk({}, QMAP_V1).next(), QMAP_END);
}

TEST(Qmap, WalksAnAggregate) {
    Walk walk(cat({good, {0x00, 0x81, 0x00, 0x01, 0x60}}), QMAP_V1);
    ASSERT_EQ(walk.next(), QMAP_FRAME);
    EXPECT_EQ(walk.frame.mux_id, 0x82);
    EXPECT_FALSE(walk.frame.command);
    EXPECT_EQ(walk.payload(), (Bytes{0x45, 0xaa, 0xbb}));
    ASSERT_EQ(walk.next(), QMAP_FRAME);
    EXPECT_EQ(walk.frame.mux_id, 0x81);
    EXPECT_EQ(walk.payload(), (Bytes{0x60}));
    EXPECT_EQ(walk.next(), QMAP_END);
}

TEST(Qmap, ReadsTheV5ChecksumHeader) {
    for (bool valid : {false, true}) {
        Walk walk({0x40, 0x83, 0x00, 0x04, 0x04, uint8_t(valid ? 0x80 : 0x00), 0, 0, 1, 2, 3, 4},
                  QMAP_V5);
        ASSERT_EQ(walk.next(), QMAP_FRAME);
        EXPECT_EQ(walk.frame.csum_ok, valid);
        EXPECT_EQ(walk.payload(), (Bytes{1, 2, 3, 4}));
        EXPECT_EQ(walk.next(), QMAP_END);
    }
}

TEST(Qmap, FollowsAChainOfV5Headers) {
    Walk walk({0x40, 0x83, 0x00, 0x01, 0x05, 0x80, 0, 0, 0x04, 0x00, 0, 0, 9}, QMAP_V5);
    ASSERT_EQ(walk.next(), QMAP_FRAME);
    EXPECT_FALSE(walk.frame.csum_ok);
    EXPECT_EQ(walk.payload(), (Bytes{9}));
}

TEST(Qmap, TakesAFrameWithoutV5HeaderInV5) {
    Walk walk(good, QMAP_V5);
    ASSERT_EQ(walk.next(), QMAP_FRAME);
    EXPECT_FALSE(walk.frame.csum_ok);
    EXPECT_EQ(walk.payload(), (Bytes{0x45, 0xaa, 0xbb}));
}

TEST(Qmap, IgnoresTheNextHeaderBitInV1) {
    Walk walk({0x40, 0x81, 0x00, 0x04, 0x45, 1, 2, 3}, QMAP_V1);
    ASSERT_EQ(walk.next(), QMAP_FRAME);
    EXPECT_EQ(walk.payload(), (Bytes{0x45, 1, 2, 3}));
}

TEST(Qmap, RemovesDlPaddingFromV5DataOnly) {
    const Bytes v5 = {0x41, 0x81, 0, 8, 0x04, 0, 0, 0, 0, 0, 0x45, 1, 2, 3, 4, 0};
    Walk data(v5, QMAP_V5, 2);
    ASSERT_EQ(data.next(), QMAP_FRAME);
    EXPECT_EQ(data.payload(), (Bytes{0x45, 1, 2, 3, 4}));

    Walk command({0x80, 0x81, 0, 4, 1, 0, 0, 0}, QMAP_V5, 2);
    ASSERT_EQ(command.next(), QMAP_FRAME);
    EXPECT_EQ(command.frame.len, 4u);

    Walk all_padding({0x40, 0x81, 0, 2, 0x04, 0, 0, 0, 0, 0}, QMAP_V5, 2);
    EXPECT_EQ(all_padding.next(), QMAP_BAD_PAD);
}

TEST(Qmap, CommandsHaveNoV5Header) {
    Walk walk(cat({{0xc0, 0x81, 0, 8, 2, 0, 0, 0, 0, 0, 0, 7}, good}), QMAP_V5);
    ASSERT_EQ(walk.next(), QMAP_FRAME);
    EXPECT_TRUE(walk.frame.command);
    EXPECT_EQ(walk.payload(), (Bytes{2, 0, 0, 0, 0, 0, 0, 7}));
    ASSERT_EQ(walk.next(), QMAP_FRAME);
    EXPECT_EQ(walk.payload(), (Bytes{0x45, 0xaa, 0xbb}));
}

// What is wrong with a frame must not cost the one behind it.
TEST(Qmap, GoesOnBehindABadFrame) {
    const struct {
        Bytes frame;
        qmap_version version;
        qmap_result result;
    } cases[] = {
        {{0x00, 0x81, 0x00, 0x00}, QMAP_V1, QMAP_BAD_LENGTH},
        {{0x04, 0x81, 0x00, 0x04, 0, 0, 0, 0}, QMAP_V1, QMAP_BAD_PAD},
        {{0x3f, 0x81, 0x00, 0x04, 0, 0, 0, 0}, QMAP_V1, QMAP_BAD_PAD},
        {{0x40, 0x81, 0x00, 0x04, 0x02, 0, 0, 0, 1, 2, 3, 4}, QMAP_V5, QMAP_BAD_V5_TYPE},
        {{0x40, 0x81, 0x00, 0x00, 0x04, 0, 0, 0}, QMAP_V5, QMAP_BAD_LENGTH},
    };
    for (const auto &c : cases) {
        Walk walk(cat({c.frame, good}), c.version);
        EXPECT_EQ(walk.next(), c.result);
        ASSERT_EQ(walk.next(), QMAP_FRAME);
        EXPECT_EQ(walk.payload(), (Bytes{0x45, 0xaa, 0xbb}));
        EXPECT_EQ(walk.next(), QMAP_END);
    }
}

TEST(Qmap, EveryTruncationIsSeen) {
    const Bytes v5 = {0x40, 0x81, 0x00, 0x04, 0x04, 0, 0, 0, 1, 2, 3, 4};
    for (size_t len = 1; len < v5.size(); len++) {
        Walk walk(Bytes(v5.begin(), v5.begin() + len), QMAP_V5);
        EXPECT_EQ(walk.next(), len < 8 ? QMAP_CUT_HEADER : QMAP_CUT_FRAME) << len;
        EXPECT_EQ(walk.left(), 0u);
        EXPECT_EQ(walk.next(), QMAP_END);
    }
}

TEST(Qmap, TransferOfZeroesEnds) {
    Walk walk(Bytes(31744), QMAP_V1);
    size_t frames = 0;
    while (walk.next() == QMAP_BAD_LENGTH)
        frames++;
    EXPECT_EQ(frames, 31744u / 4);
    EXPECT_EQ(walk.next(), QMAP_END);
}

TEST(Qmap, DataHeaderRoundTrip) {
    for (const auto &[version, csum] :
         {std::pair{QMAP_V1, false}, {QMAP_V5, false}, {QMAP_V5, true}}) {
        for (size_t len : {1, 2, 3, 4, 20, 1499, 1500, 9000, 0xfffc}) {
            Bytes transfer(qmap_data_frame_len(version, len), 0xee);
            qmap_put_data_header(transfer.data(), version, 0x84, len, csum);
            EXPECT_EQ(transfer.size() % QMAP_ALIGN, 0u);
            EXPECT_EQ(transfer[1], 0x84);
            EXPECT_EQ(transfer[0] & QMAP_HDR_PAD_MASK, qmap_pad(len));
            EXPECT_EQ(bool(transfer[0] & QMAP_HDR_NEXT), version == QMAP_V5);
            Walk walk(transfer, version);
            ASSERT_EQ(walk.next(), QMAP_FRAME) << len;
            EXPECT_EQ(walk.frame.len, len);
            EXPECT_EQ(walk.frame.mux_id, 0x84);
            EXPECT_EQ(walk.frame.csum_ok, csum);
            EXPECT_EQ(walk.next(), QMAP_END);
        }
    }
}

TEST(Qmap, ChecksumOffloadCoversWholeTcpAndUdp) {
    Bytes v4(40), v6(60);
    v4[0] = 0x45;
    v6[0] = 0x60;
    for (int protocol = 0; protocol < 256; protocol++) {
        v4[9] = v6[6] = protocol;
        const bool covered = protocol == 6 || protocol == 17;
        EXPECT_EQ(qmap_csum_covers(v4.data()), covered) << protocol;
        EXPECT_EQ(qmap_csum_covers(v6.data()), covered) << protocol;
    }
    v4[9] = 17;
    v4[6] = 0x40; // don't fragment
    EXPECT_TRUE(qmap_csum_covers(v4.data()));
    v4[6] = 0x20; // the first of several
    EXPECT_FALSE(qmap_csum_covers(v4.data()));
    v4[6] = 0x00;
    v4[7] = 1; // another
    EXPECT_FALSE(qmap_csum_covers(v4.data()));
    v4[7] = 0;
    v4[0] = 0x46; // options
    EXPECT_FALSE(qmap_csum_covers(v4.data()));
}

TEST(Qmap, OverheadIsBounded) {
    for (size_t len = 1; len < 64; len++)
        EXPECT_LE(qmap_data_frame_len(QMAP_V5, len), len + QMAP_MAX_OVERHEAD);
}

TEST(Qmap, CommandAnswerIsTheRequestWithItsTypeExchanged) {
    for (size_t len = QMAP_CMD_MIN_LEN; len <= QMAP_CMD_MAX_LEN; len++) {
        Bytes body(len, 0x5a);
        body[0] = QMAP_CMD_FLOW_DISABLE;
        body[1] = 0xf0;
        const qmap_frame request = {body.data(), len, 0x82, true, false};
        Bytes answer(QMAP_HDR_LEN + QMAP_CMD_MAX_LEN, 0xee);
        answer.resize(qmap_put_command_answer(answer.data(), &request, QMAP_CMD_ACK));
        EXPECT_EQ(answer.size() % QMAP_ALIGN, 0u);
        Walk walk(answer, QMAP_V5);
        ASSERT_EQ(walk.next(), QMAP_FRAME);
        EXPECT_TRUE(walk.frame.command);
        EXPECT_EQ(walk.frame.mux_id, 0x82);
        body[1] = 0xf0 | QMAP_CMD_ACK;
        EXPECT_EQ(walk.payload(), body);
        EXPECT_EQ(walk.next(), QMAP_END);
    }
}

TEST(Qmap, IpVersion) {
    Bytes packet(40, 0);
    packet[0] = 0x45;
    EXPECT_EQ(qmap_ip_version(packet.data(), 20), 4u);
    EXPECT_EQ(qmap_ip_version(packet.data(), 19), 0u);
    packet[0] = 0x60;
    EXPECT_EQ(qmap_ip_version(packet.data(), 40), 6u);
    EXPECT_EQ(qmap_ip_version(packet.data(), 39), 0u);
    packet[0] = 0x50;
    EXPECT_EQ(qmap_ip_version(packet.data(), 40), 0u);
    EXPECT_EQ(qmap_ip_version(packet.data(), 0), 0u);
}

// Whatever the bytes: frames lie within the transfer, do not overlap, and the walk ends.
TEST(Qmap, RandomTransfersStayInBounds) {
    std::mt19937 random(1);
    for (int round = 0; round < 20000; round++) {
        Bytes transfer(random() % 200);
        for (uint8_t &byte : transfer)
            byte = random();
        // Mostly small lengths, so that walks get past the first frame.
        for (size_t at = 2; at < transfer.size(); at += 4)
            if (random() % 2)
                transfer[at] = 0;
        const qmap_version version = random() % 2 ? QMAP_V1 : QMAP_V5;
        Walk walk(transfer, version, random() % 8);
        const uint8_t *end = nullptr;
        size_t steps = 0;
        for (qmap_result result; (result = walk.next()) != QMAP_END; steps++) {
            ASSERT_LE(steps, transfer.size() / QMAP_HDR_LEN);
            if (result != QMAP_FRAME)
                continue;
            ASSERT_GT(walk.frame.len, 0u);
            if (end) {
                ASSERT_GE(walk.frame.payload, end);
            }
            end = walk.frame.payload + walk.frame.len;
            unsigned sum = 0;
            for (uint8_t byte : walk.payload())
                sum += byte; // reads each byte under ASan
            (void)sum;
        }
    }
}

} // namespace
