// SPDX-License-Identifier: GPL-2.0
#include "../modem/checksum_offload.h"
#include "../modem/data_link.h"

#include <gtest/gtest.h>
#include <numeric>

using namespace vmodem;

namespace {

// A UDP packet over IPv4, of that many bytes in all.
Bytes packet_of(size_t size, uint8_t fill = 0) {
    Bytes p(size, fill);
    Bytes header{
        0x45, 0, uint8_t(size >> 8), uint8_t(size), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,
        0,    2};
    std::copy(header.begin(), header.end(), p.begin());
    return p;
}

Bytes operator+(Bytes a, const Bytes &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// Frames written out here by hand, so that the test shares nothing with the link.
Bytes frame_v1(uint8_t mux, Bytes packet) {
    uint8_t pad = -packet.size() & 3;
    size_t length = packet.size() + pad;
    return Bytes{pad, mux, uint8_t(length >> 8), uint8_t(length)} + packet + Bytes(pad, 0);
}

Bytes frame_v5(uint8_t mux, Bytes packet, bool checksum = false) {
    Bytes f = frame_v1(mux, packet);
    f[0] |= 0x40;
    Bytes header{0x04, uint8_t(checksum ? 0x80 : 0), 0, 0};
    f.insert(f.begin() + 4, header.begin(), header.end());
    return f;
}

DataFormat qmap(Qmap version, uint32_t datagrams = 10, uint32_t size = 4096) {
    DataFormat f;
    f.ul = f.dl = version;
    f.dl_max_datagrams = f.ul_max_datagrams = datagrams;
    f.dl_max_size = f.ul_max_size = size;
    return f;
}

class Link : public testing::Test {
  protected:
    Link() { link.open(0x81); }

    std::vector<std::pair<uint8_t, Bytes>> received;
    DataLink link{{}, {.packet = [this](uint8_t mux, ByteView p) {
                      received.emplace_back(mux, Bytes(p.begin(), p.end()));
                  }}};

    const UplinkStatistics &statistics() { return link.statistics(); }
    // One violation more than before, and it says what it was.
    void expect_violation(const Bytes &transfer, const std::string &text) {
        DataLink fresh{{}, {.packet = [](uint8_t, ByteView) {}}};
        fresh.set_format(link.format());
        fresh.open(0x81);
        fresh.receive(transfer, transfer.size() % 512 == 0);
        EXPECT_EQ(fresh.statistics().violations, 1u) << text;
        EXPECT_NE(fresh.statistics().first_violation.find(text), std::string::npos)
            << fresh.statistics().first_violation;
    }
};

TEST_F(Link, RawIpIsOnePacketATransfer) {
    ASSERT_TRUE(link.queue_packet(0, packet_of(100)));
    ASSERT_TRUE(link.queue_packet(0, packet_of(200)));
    EXPECT_EQ(link.next_transfer(), packet_of(100));
    EXPECT_EQ(link.next_transfer(), packet_of(200));
    EXPECT_EQ(link.next_transfer(), std::nullopt);

    link.receive(packet_of(61), false);
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0].second, packet_of(61));
    EXPECT_EQ(statistics().violations, 0u);
    EXPECT_EQ(statistics().datagrams, 1u);
    expect_violation(packet_of(61) + Bytes{0}, "IP length");
    expect_violation(Bytes(61, 0x75), "no IP packet");
}

TEST_F(Link, QmapV1Downlink) {
    link.set_format(qmap(Qmap::v1));
    link.queue_packet(0, packet_of(61));
    link.queue_packet(0x82, packet_of(64));
    EXPECT_EQ(link.next_transfer(), frame_v1(0x81, packet_of(61)) + frame_v1(0x82, packet_of(64)));
}

TEST_F(Link, QmapV5Downlink) {
    link.set_format(qmap(Qmap::v5));
    link.queue_packet(0x81, packet_of(62));
    EXPECT_EQ(link.next_transfer(), frame_v5(0x81, packet_of(62), true));

    DataFormat padded = qmap(Qmap::v5);
    padded.dl_minimum_padding = 6;
    link.set_format(padded);
    link.queue_packet(0x81, packet_of(62));
    EXPECT_EQ(link.next_transfer(),
              (Bytes{0x40, 0x81, 0, 68, 0x04, 0x80, 0, 0, 0, 0, 0, 0, 0, 0} + packet_of(62)));
}

TEST_F(Link, DownlinkKeepsToWhatWasAgreed) {
    auto sizes_of = [this](Qmap version, std::initializer_list<size_t> packets) {
        link.set_format(qmap(version, 3, 512));
        for (size_t size : packets)
            link.queue_packet(0x81, packet_of(size));
        std::vector<size_t> sizes;
        while (auto t = link.next_transfer())
            sizes.push_back(t->size());
        return sizes;
    };
    using Sizes = std::vector<size_t>;
    EXPECT_EQ(sizes_of(Qmap::v1, {100, 100, 100, 100}), (Sizes{312, 104})); // datagrams
    EXPECT_EQ(sizes_of(Qmap::v1, {100, 404, 20}), (Sizes{512, 24}));        // just fits
    EXPECT_EQ(sizes_of(Qmap::v1, {100, 405, 20}), (Sizes{104, 412 + 24}));  // pad does not
    EXPECT_EQ(sizes_of(Qmap::v1, {508}), (Sizes{512}));
    EXPECT_EQ(sizes_of(Qmap::v1, {509, 20}), (Sizes{24})); // larger than any transfer
    EXPECT_EQ(sizes_of(Qmap::v5, {100, 396}), (Sizes{512}));
    EXPECT_EQ(sizes_of(Qmap::v5, {100, 400}), (Sizes{108, 408}));
    EXPECT_EQ(sizes_of(Qmap::v5, {505, 504}), (Sizes{512}));
    link.set_format(qmap(Qmap::v1, 10, 4096));
    EXPECT_FALSE(link.queue_packet(0x81, packet_of(4096)));
    EXPECT_TRUE(link.queue_packet(0x81, packet_of(4092)));
}

TEST_F(Link, DownlinkBeforeAnyAgreementIsNotAggregated) {
    link.set_format(qmap(Qmap::v1, 0, 0));
    link.queue_packet(0x81, packet_of(40));
    link.queue_packet(0x81, packet_of(40));
    EXPECT_EQ(link.next_transfer(), frame_v1(0x81, packet_of(40)));
}

TEST_F(Link, DownlinkQueueIsBounded) {
    size_t packets = 0;
    EXPECT_GT(link.room(), 600u);
    while (link.queue_packet(0x81, packet_of(1500)))
        ASSERT_LT(++packets, 1000u);
    EXPECT_EQ(link.room(), 0u);
    link.next_transfer();
    EXPECT_EQ(link.room(), 1u);
}

TEST_F(Link, TransfersOfTheirOwn) {
    link.set_format(qmap(Qmap::v1));
    link.queue_packet(0x81, packet_of(40));
    link.queue_alone(0x81, packet_of(44));
    link.queue_packet(0x81, packet_of(48));
    link.queue_transfer({});
    EXPECT_EQ(link.next_transfer(), frame_v1(0x81, packet_of(40)));
    EXPECT_EQ(link.next_transfer(), frame_v1(0x81, packet_of(44)));
    EXPECT_EQ(link.next_transfer(), frame_v1(0x81, packet_of(48)));
    EXPECT_FALSE(link.idle());
    EXPECT_EQ(link.next_transfer(), Bytes{});
    EXPECT_TRUE(link.idle());
}

TEST_F(Link, RoundTrip) {
    for (Qmap version : {Qmap::v1, Qmap::v5}) {
        received.clear();
        link.set_format(qmap(version, 20, 16384));
        for (size_t size = 20; size < 36; size++)
            link.queue_packet(0x81, packet_of(size, size));
        auto t = link.next_transfer();
        ASSERT_TRUE(t);
        // Downlink differs from uplink only in what the checksum bit says.
        for (size_t at = 0; version == Qmap::v5 && at < t->size();
             at += 8 + ((*t)[at + 2] << 8 | (*t)[at + 3]))
            (*t)[at + 5] = 0;
        link.receive(*t, true);
        ASSERT_EQ(received.size(), 16u);
        for (size_t i = 0; i < received.size(); i++)
            EXPECT_EQ(received[i].second, packet_of(20 + i, 20 + i));
    }
    EXPECT_EQ(statistics().violations, 0u) << statistics().first_violation;
    EXPECT_EQ(statistics().max_datagrams, 16u);
    EXPECT_EQ(statistics().aggregates, 2u);
    EXPECT_EQ(statistics().transfers, 2u);
}

TEST_F(Link, DropsWhatIsForAClosedMux) {
    link.set_format(qmap(Qmap::v1));
    link.receive(frame_v1(0x82, packet_of(40)), false);
    EXPECT_EQ(statistics().dropped_unbound, 1u);
    link.open(0x82);
    link.receive(frame_v1(0x82, packet_of(40)), false);
    link.close(0x82);
    link.receive(frame_v1(0x82, packet_of(40)), false);
    EXPECT_EQ(statistics().dropped_unbound, 2u);
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0].first, 0x82);
    EXPECT_EQ(statistics().violations, 0u);
}

TEST_F(Link, CountsViolationsOfV1) {
    link.set_format(qmap(Qmap::v1, 2, 200));
    Bytes good = frame_v1(0x81, packet_of(60));
    expect_violation(good + good + good, "3 datagrams");
    expect_violation(frame_v1(0x81, packet_of(200)), "transfer of 204 bytes");
    expect_violation(good + Bytes{0, 0x81, 0}, "cut MAP header");
    expect_violation(good + Bytes{0, 0x81, 0, 40, 1, 2}, "cut MAP frame");
    expect_violation(frame_v5(0x81, packet_of(60)), "reserved bit");
    expect_violation(Bytes{0, 0x81, 0, 61} + packet_of(61), "multiple of 4");
    expect_violation(Bytes{4, 0x81, 0, 64} + packet_of(60) + Bytes(4), "pad length");
    expect_violation(Bytes{3, 0x81, 0, 0}, "pad length");
    expect_violation(Bytes{0, 0x81, 0, 0}, "no IP packet");
    expect_violation(Bytes{0, 0x81, 0, 64} + packet_of(61) + Bytes(3), "IP length is 61");
    expect_violation(Bytes{0, 0x81, 0, 60} + Bytes(60, 0x10), "no IP packet");
}

TEST_F(Link, CountsViolationsOfV5) {
    link.set_format(qmap(Qmap::v5));
    expect_violation(frame_v1(0x81, packet_of(60)), "no v5 header");
    for (auto [at, value] : {std::pair{4, 0x05}, {4, 0x02}, {5, 0x01}, {6, 1}, {7, 1}}) {
        Bytes f = frame_v5(0x81, packet_of(60));
        f[at] = value;
        expect_violation(f, "bad v5 header");
    }
    Bytes icmp = packet_of(60);
    icmp[9] = 1;
    expect_violation(frame_v5(0x81, icmp, true), "checksum wanted");
    expect_violation(Bytes{0x40, 0x81, 0, 60, 4, 0, 0, 0}, "cut MAP frame");
}

TEST_F(Link, FillsInTheChecksumThatWasAskedFor) {
    link.set_format(qmap(Qmap::v5));
    Bytes udp = packet_of(30);
    udp[25] = 10;   // UDP length
    udp[26] = 0xab; // what the stack left there
    link.receive(frame_v5(0x81, udp, true), false);
    ASSERT_EQ(received.size(), 1u);
    // Sum over pseudo-header and segment comes to all ones.
    ByteView p(received[0].second);
    uint32_t sum = 17 + 10;
    for (size_t i = 12; i < p.size(); i += 2)
        sum += p[i] << 8 | p[i + 1];
    EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
    EXPECT_EQ(statistics().violations, 0u);
}

TEST_F(Link, WantsAnEmptyPacketAfterWholeOnes) {
    Bytes whole = packet_of(512);
    link.receive(whole, true);
    EXPECT_EQ(received.size(), 1u);
    EXPECT_EQ(statistics().zero_length_packets, 1u);

    link.receive(whole, false); // a transport that shows the empty packet by itself
    EXPECT_EQ(received.size(), 1u);
    link.receive({}, false);
    EXPECT_EQ(received.size(), 2u);
    EXPECT_EQ(statistics().zero_length_packets, 2u);
    EXPECT_EQ(statistics().violations, 0u);
    EXPECT_EQ(statistics().transfers, 2u);

    link.receive(whole, false);
    link.receive(packet_of(40), false); // glued: one transfer of 552 bytes
    EXPECT_EQ(received.size(), 2u);
    EXPECT_EQ(statistics().violations, 2u); // that, and what the IP header says
    EXPECT_NE(statistics().first_violation.find("zero-length"), std::string::npos);
}

TEST_F(Link, GivesUpOnATransferWithoutEnd) {
    for (int i = 0; i < 2000; i++)
        link.receive(Bytes(4096), false);
    EXPECT_GT(statistics().violations, 0u);
    EXPECT_TRUE(received.empty());
}

TEST_F(Link, Commands) {
    link.set_format(qmap(Qmap::v5));
    uint32_t transaction = link.queue_command(0x81, 1);
    auto t = link.next_transfer();
    ASSERT_TRUE(t);
    ASSERT_EQ(t->size(), 20u);
    EXPECT_EQ(Bytes(t->begin(), t->begin() + 12),
              (Bytes{0x80, 0x81, 0, 16, 1, 0, 0, 0, 0, 0, 0, uint8_t(transaction)}));
    (*t)[5] = 1; // ack
    link.receive(*t + Bytes{0x80, 0x82, 0, 8, 0x77, 2, 0, 0, 1, 2, 3, 4}, false);
    auto commands = link.take_commands();
    ASSERT_EQ(commands.size(), 2u);
    EXPECT_EQ(commands[0].mux_id, 0x81);
    EXPECT_EQ(commands[0].name, 1);
    EXPECT_EQ(commands[0].type, 1);
    EXPECT_EQ(commands[0].transaction, transaction);
    EXPECT_EQ(commands[0].body.size(), 16u);
    EXPECT_EQ(commands[1].name, 0x77);
    EXPECT_EQ(commands[1].type, 2);
    EXPECT_EQ(commands[1].transaction, 0x01020304u);
    EXPECT_TRUE(link.take_commands().empty());
    EXPECT_EQ(statistics().violations, 0u);
    EXPECT_EQ(statistics().datagrams, 0u);
    expect_violation(Bytes{0x80, 0x81, 0, 4, 1, 1, 0, 0}, "bad command");
}

class EthernetLink : public Link {
  protected:
    EthernetLink() {
        DataFormat f;
        f.link_protocol = LinkProtocol::ethernet_802_3;
        link.set_format(f);
    }
    const Bytes host{2, 0, 0, 0, 0, 1}, module{0x02, 0x50, 0xf3, 0, 0, 0};
    Bytes arp(uint8_t operation, Bytes sender, Bytes target) {
        return Bytes(6, 0xff) + host + Bytes{8, 6, 0, 1, 8, 0, 6, 4, 0, operation} + host + sender +
               Bytes(6) + target;
    }
};

TEST_F(EthernetLink, CarriesIp) {
    link.receive(module + host + Bytes{8, 0} + packet_of(100), false);
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0].second, packet_of(100));
    link.queue_packet(0x81, packet_of(64));
    EXPECT_EQ(link.next_transfer(), (host + module + Bytes{8, 0} + packet_of(64)));
    // Ethernet's shortest frame pads what is shorter.
    link.receive(module + host + Bytes{8, 0} + packet_of(40) + Bytes(6), false);
    ASSERT_EQ(received.size(), 2u);
    EXPECT_EQ(received[1].second, packet_of(40));
    EXPECT_EQ(statistics().violations, 0u);
    expect_violation(module + host + Bytes{8, 0} + packet_of(100) + Bytes(1), "IP length");
    expect_violation(Bytes(13), "cut Ethernet header");
}

// A host sends some until it notices what the module speaks: no address is to be learned from it.
TEST_F(EthernetLink, RawIpTeachesNoAddress) {
    link.receive(module + host + Bytes{8, 0} + packet_of(100), false);
    Bytes router_solicitation(48);
    router_solicitation[0] = 0x60;
    router_solicitation[5] = 8;
    router_solicitation[6] = 58;
    router_solicitation[8] = 0xfe;
    router_solicitation[9] = 0x80;
    link.receive(router_solicitation, false);
    link.queue_packet(0x81, packet_of(64));
    EXPECT_EQ(link.next_transfer(), (host + module + Bytes{8, 0} + packet_of(64)));
}

TEST_F(EthernetLink, AnswersArp) {
    Bytes us{10, 0, 0, 2}, gateway{10, 0, 0, 1};
    link.receive(arp(1, us, gateway), false);
    EXPECT_EQ(link.next_transfer(),
              (host + module + Bytes{8, 6, 0, 1, 8, 0, 6, 4, 0, 2} + module + gateway + host + us));
    link.receive(arp(1, Bytes(4), us), false); // is it free?
    link.receive(arp(1, us, us), false);       // it is mine
    link.receive(arp(2, us, gateway), false);  // an answer
    EXPECT_EQ(link.next_transfer(), std::nullopt);
    EXPECT_EQ(statistics().violations, 0u);
    expect_violation(Bytes(6, 0xff) + host + Bytes{8, 6, 0, 1}, "cut ARP");
}

TEST_F(EthernetLink, MulticastHasItsOwnAddress) {
    Bytes p(60);
    p[0] = 0x60;
    p[5] = 20;
    p[24] = 0xff;
    p[39] = 1;
    link.queue_packet(0x81, p);
    EXPECT_EQ(link.next_transfer(),
              (Bytes{0x33, 0x33, 0, 0, 0, 1} + module + Bytes{0x86, 0xdd} + p));
}

TEST(ChecksumOffload, KnowsItsLimits) {
    Bytes p = packet_of(40);
    EXPECT_TRUE(fill_transport_checksum(p));
    Bytes fragment = p;
    fragment[6] = 0x20;
    EXPECT_FALSE(fill_transport_checksum(fragment));
    Bytes options = p;
    options[0] = 0x4f;
    EXPECT_FALSE(fill_transport_checksum(options));
    Bytes cut(p.begin(), p.begin() + 27);
    cut[3] = 27;
    EXPECT_FALSE(fill_transport_checksum(cut));
    EXPECT_FALSE(fill_transport_checksum({}));
    Bytes v6(48);
    v6[0] = 0x60;
    v6[5] = 8;
    v6[6] = 17;
    EXPECT_TRUE(fill_transport_checksum(v6));
    EXPECT_EQ(v6[46] << 8 | v6[47], 0xffff - (17 + 8));
}

} // namespace
