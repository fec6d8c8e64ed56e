// SPDX-License-Identifier: GPL-2.0
#include "../modem/qmux.h"

#include <gtest/gtest.h>
#include <random>
#include <stdexcept>

namespace vmodem {

namespace {

QmiMessage sample(Service service) {
    QmiMessage message;
    message.service = service;
    message.client = service == Service::ctl ? 0 : 17;
    message.transaction = service == Service::ctl ? 0x12 : 0x3412;
    message.id = 0x20;
    message.put_u8(0x19, 4);
    message.put_u16(0x10, 0xbeef);
    message.put_u32(0x16, 31744);
    message.put_string(0x14, "internet");
    message.put(0x30, {});
    return message;
}

void expect_equal(const QmiMessage &a, const QmiMessage &b) {
    EXPECT_EQ(a.from_modem, b.from_modem);
    EXPECT_EQ(a.service, b.service);
    EXPECT_EQ(a.client, b.client);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.transaction, b.transaction);
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.tlvs, b.tlvs);
}

TEST(Qmux, RoundTrip) {
    for (const Service service : {Service::ctl, Service::wds, Service::wda}) {
        for (const QmiKind kind : {QmiKind::request, QmiKind::response, QmiKind::indication}) {
            QmiMessage message = sample(service);
            message.kind = kind;
            message.from_modem = kind != QmiKind::request;
            const auto decoded = decode(encode(message));
            ASSERT_TRUE(decoded);
            expect_equal(*decoded, message);
        }
    }
}

// Frames of the two header layouts, byte by byte.
TEST(Qmux, WireFormat) {
    QmiMessage ctl;
    ctl.transaction = 1;
    ctl.id = 0x22;
    ctl.put_u8(0x01, 0x01);
    EXPECT_EQ(encode(ctl), (Bytes{1, 15, 0, 0, 0, 0, 0, 1, 0x22, 0, 4, 0, 1, 1, 0, 1}));

    QmiMessage status;
    status.from_modem = true;
    status.service = Service::wds;
    status.client = 17;
    status.kind = QmiKind::indication;
    status.id = 0x22;
    const uint8_t connected[] = {2, 0};
    status.put(0x01, connected);
    EXPECT_EQ(encode(status),
              (Bytes{1, 17, 0, 0x80, 1, 17, 4, 0, 0, 0x22, 0, 5, 0, 1, 2, 0, 2, 0}));
}

TEST(Qmux, FindsTlvs) {
    const QmiMessage message = sample(Service::wds);
    EXPECT_EQ(message.find_u8(0x19), 4);
    EXPECT_EQ(message.find_u16(0x10), 0xbeef);
    EXPECT_EQ(message.find_u32(0x16), 31744u);
    EXPECT_EQ(message.find(0x14)->size(), 8u);
    EXPECT_EQ(message.find(0x30)->size(), 0u);
    EXPECT_FALSE(message.find(0x55));
    EXPECT_FALSE(message.find_u8(0x55));
    EXPECT_FALSE(message.find_u32(0x10)); // two bytes only
    EXPECT_FALSE(message.find_u8(0x30));
}

TEST(Qmux, Result) {
    QmiMessage message;
    EXPECT_FALSE(message.result());
    message.put_result(QmiError::none);
    EXPECT_EQ(message.result(), QmiError::none);

    QmiMessage refused;
    refused.put_result(QmiError::call_failed);
    EXPECT_EQ(refused.result(), QmiError::call_failed);

    QmiMessage failed_of_nothing;
    failed_of_nothing.put_u32(0x02, 1);
    EXPECT_EQ(failed_of_nothing.result(), QmiError::internal);

    QmiMessage cut;
    cut.put_u16(0x02, 0);
    EXPECT_FALSE(cut.result());
}

TEST(Qmux, RejectsEveryTruncation) {
    for (const Service service : {Service::ctl, Service::wds}) {
        const Bytes frame = encode(sample(service));
        for (size_t length = 0; length < frame.size(); length++) {
            const Bytes cut(frame.begin(), frame.begin() + length);
            EXPECT_FALSE(decode(cut)) << length;
            // The same with a QMUX length that agrees.
            if (length >= 3) {
                Bytes fitted = cut;
                fitted[1] = length - 1;
                EXPECT_FALSE(decode(fitted)) << length;
            }
        }
        Bytes longer = frame;
        longer.push_back(0);
        EXPECT_FALSE(decode(longer));
    }
}

TEST(Qmux, RejectsOverrunningTlv) {
    QmiMessage message;
    message.put_u32(0x01, 0);
    Bytes frame = encode(message);
    frame[13] = 5; // TLV length
    EXPECT_FALSE(decode(frame));
    frame[13] = 0xff;
    frame[14] = 0xff;
    EXPECT_FALSE(decode(frame));
}

TEST(Qmux, BrokenTlvsAreNeverOverrun) {
    QmiMessage message;
    message.tlvs = {0x10, 0xff, 0xff, 0x01};
    EXPECT_FALSE(message.find(0x10));
    message.tlvs = {0x10, 0x01};
    EXPECT_FALSE(message.find(0x10));
}

TEST(Qmux, RefusesToEncodeWhatDoesNotFit) {
    QmiMessage message;
    EXPECT_THROW(message.put(0x01, Bytes(65536)), std::length_error);
    QmiMessage large;
    large.put(0x01, Bytes(65535));
    EXPECT_THROW(encode(large), std::length_error);
}

// Whatever is accepted survives another round trip, and its TLVs can be looked up.
TEST(Qmux, Mutations) {
    std::mt19937 random(1);
    for (unsigned round = 0; round < 20000; round++) {
        Bytes frame = encode(sample(round & 1 ? Service::ctl : Service::wds));
        for (unsigned n = random() % 4 + 1; n > 0; n--)
            frame[random() % frame.size()] = random();
        if (round % 3 == 0)
            frame.resize(random() % 64);
        const auto message = decode(frame);
        if (!message)
            continue;
        for (unsigned type = 0; type < 256; type++)
            message->find_u32(type);
        const auto again = decode(encode(*message));
        ASSERT_TRUE(again);
        expect_equal(*again, *message);
    }
}

} // namespace

} // namespace vmodem
