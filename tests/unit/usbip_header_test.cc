// SPDX-License-Identifier: GPL-2.0
#include "../modem/usbip.h"
#include "../modem/vhci.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <sys/socket.h>

using namespace vmodem;

namespace {

UsbipHeader header(std::initializer_list<uint32_t> words, std::array<uint8_t, 8> setup = {}) {
    UsbipHeader bytes{};
    size_t at = 0;
    for (uint32_t word : words)
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes[at++] = word >> shift;
    std::copy(setup.begin(), setup.end(), bytes.begin() + 40);
    return bytes;
}

TEST(UsbipHeader, ReadsSubmit) {
    auto c = parse_usbip_command(
        header({1, 0x01020304, 1, 1, 8, 0x40, 31744, 0, 0, 9}, {0x80, 6, 0, 1, 0, 0, 64, 0}));
    ASSERT_TRUE(c && c->submit && !c->unlink);
    EXPECT_EQ(c->submit->sequence, 0x01020304u);
    EXPECT_TRUE(c->submit->in);
    EXPECT_EQ(c->submit->endpoint, 8);
    EXPECT_EQ(c->submit->flags, UsbipSubmit::flag_zero_packet);
    EXPECT_EQ(c->submit->length, 31744u);
    EXPECT_EQ(c->submit->setup, (std::array<uint8_t, 8>{0x80, 6, 0, 1, 0, 0, 64, 0}));
}

TEST(UsbipHeader, ReadsUnlink) {
    auto c = parse_usbip_command(header({2, 77, 1, 0, 0, 76}));
    ASSERT_TRUE(c && c->unlink && !c->submit);
    EXPECT_EQ(c->unlink->sequence, 77u);
    EXPECT_EQ(c->unlink->victim, 76u);
}

TEST(UsbipHeader, RefusesNonsense) {
    EXPECT_FALSE(parse_usbip_command(header({3, 1, 1, 1, 8})));                // not a host's
    EXPECT_FALSE(parse_usbip_command(header({1, 1, 1, 2, 8})));                // direction
    EXPECT_FALSE(parse_usbip_command(header({1, 1, 1, 1, 16})));               // endpoint
    EXPECT_FALSE(parse_usbip_command(header({1, 1, 1, 1, 8, 0, 0x80000000}))); // length
    EXPECT_FALSE(parse_usbip_command(header({1, 1, 1, 1, 8, 0, 64, 0, 1})));   // isochronous
    EXPECT_TRUE(parse_usbip_command(header({1, 1, 1, 1, 8, 0, 64, 0, ~0u})));  // says there's none
}

TEST(UsbipHeader, WritesReplies) {
    EXPECT_EQ(usbip_ret_submit(5, -EOVERFLOW, 300), header({3, 5, 0, 0, 0, uint32_t(-75), 300}));
    EXPECT_EQ(usbip_ret_unlink(6, -ECONNRESET), header({4, 6, 0, 0, 0, uint32_t(-104)}));
}

TEST(VhciStatus, IsReadLineByLine) {
    auto ports = parse_vhci_status("hub port sta spd dev      sockfd local_busid\n"
                                   "hs  0000 006 003 00000001 000005 1-1\n"
                                   "hs  0001 004 000 00000000 000000 0-0\n"
                                   "ss  0008 005 000 00000000 000000 0-0\n"
                                   "rubbish\n");
    ASSERT_EQ(ports.size(), 3u);
    EXPECT_FALSE(ports[0].free);
    EXPECT_TRUE(ports[1].free);
    EXPECT_EQ(ports[2].speed, UsbSpeed::super);
    EXPECT_EQ(ports[2].number, 8u);
    EXPECT_FALSE(ports[2].free);
}

// A connection with the test as host at the far end.
class Connection : public testing::Test {
  protected:
    Connection() {
        int ends[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        host = FileDescriptor(ends[0]);
        connection.emplace(FileDescriptor(ends[1]), device);
        send(header({1, 1, 1, 0, 0, 0, 0}, {0x00, 9, 1, 0, 0, 0, 0, 0}));
        EXPECT_EQ(turn(), usbip(usbip_ret_submit(1, 0, 0)));
    }
    void send(const UsbipHeader &h, ByteView data = {}) {
        EXPECT_EQ(write(host.get(), h.data(), h.size()), ssize_t(h.size()));
        if (!data.empty()) {
            EXPECT_EQ(write(host.get(), data.data(), data.size()), ssize_t(data.size()));
        }
    }
    // What the device answers to all that was sent.
    Bytes turn() {
        EXPECT_TRUE(connection->receive());
        device.pump_bulk_in();
        EXPECT_TRUE(connection->flush());
        Bytes all(65536);
        ssize_t got = recv(host.get(), all.data(), all.size(), MSG_DONTWAIT);
        all.resize(std::max<ssize_t>(got, 0));
        return all;
    }
    static Bytes usbip(const UsbipHeader &h, const Bytes &data = {}) {
        Bytes all(h.begin(), h.end());
        all.insert(all.end(), data.begin(), data.end());
        return all;
    }

    FileDescriptor host;
    std::optional<Bytes> downlink;
    std::vector<Bytes> uplink;
    std::optional<UsbipConnection> connection;
    UsbDevice device{
        make_descriptors(*find_profile("ec25"), UsbSpeed::high, Composition::qmi),
        UsbSpeed::high,
        {.complete = [this](UrbResult r) { connection->complete(std::move(r)); },
         .command = {},
         .uplink = [this](ByteView d, bool) { uplink.emplace_back(d.begin(), d.end()); },
         .downlink = [this] { return std::exchange(downlink, std::nullopt); },
         .line_state = {}}};
};

TEST_F(Connection, AnswersBulkInWhenThereIsData) {
    send(header({1, 2, 1, 1, 8, 0, 512}));
    EXPECT_EQ(turn(), Bytes{});
    downlink = Bytes{1, 2, 3};
    EXPECT_EQ(turn(), usbip(usbip_ret_submit(2, 0, 3), {1, 2, 3}));
}

TEST_F(Connection, UnlinksWhatIsPendingAndOnlyThat) {
    send(header({1, 2, 1, 1, 8, 0, 512}));
    send(header({2, 3, 1, 0, 0, 2}));
    EXPECT_EQ(turn(), usbip(usbip_ret_unlink(3, -ECONNRESET)));
    send(header({2, 4, 1, 0, 0, 2}));
    EXPECT_EQ(turn(), usbip(usbip_ret_unlink(4, 0)));
}

TEST_F(Connection, PutsTogetherWhatComesInPieces) {
    Bytes data(700000, 0x55); // larger than what is read at once
    auto h = header({1, 2, 1, 0, 5, 0, uint32_t(data.size())});
    send(header({1, 3, 1, 0, 5, 0, 2}), Bytes{1, 2});
    Bytes all = usbip(h, data);
    for (size_t at = 0; at < all.size();) {
        size_t size = std::min<size_t>(all.size() - at, at < 100 ? 7 : 50000);
        ASSERT_EQ(write(host.get(), all.data() + at, size), ssize_t(size));
        at += size;
        ASSERT_TRUE(connection->receive());
    }
    ASSERT_EQ(uplink.size(), 2u);
    EXPECT_EQ(uplink[0], (Bytes{1, 2}));
    EXPECT_EQ(uplink[1], data);
}

TEST_F(Connection, EndsOnNonsenseAndWhenTheHostIsGone) {
    send(header({9, 2}));
    EXPECT_FALSE(connection->receive());
    host = FileDescriptor();
    host = {};
    EXPECT_FALSE(connection->receive());
}

} // namespace
