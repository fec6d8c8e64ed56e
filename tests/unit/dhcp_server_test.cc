// SPDX-License-Identifier: GPL-2.0
#include "ip_host.h"

#include <map>

using namespace vmodem;
using namespace vmodem::ip;

namespace {

enum : uint8_t { discover = 1, offer, request, decline, ack, nak, release, inform };

struct Query {
    uint8_t type;
    uint32_t client = 0, requested = 0, server = 0;
    bool broadcast = false;

    Bytes message() const {
        Bytes m(240);
        m[0] = m[1] = 1;
        m[2] = 6;
        store32(&m[4], 0xcafe0001);
        m[10] = broadcast ? 0x80 : 0;
        store32(&m[12], client);
        m[28] = 2;
        store32(&m[236], 0x63825363);
        add(m, 53, type);
        add32(m, 50, requested);
        add32(m, 54, server);
        m.push_back(255);
        return m;
    }

  private:
    static void add(Bytes &m, uint8_t code, uint8_t value) { m.insert(m.end(), {code, 1, value}); }
    static void add32(Bytes &m, uint8_t code, uint32_t value) {
        if (!value)
            return;
        uint8_t option[6] = {code, 4};
        store32(option + 2, value);
        m.insert(m.end(), option, option + 6);
    }
};

struct Reply {
    uint32_t destination, your_address;
    std::map<uint8_t, Bytes> options;
    unsigned type() const { return options.at(53)[0]; }
    uint32_t word(uint8_t code) const { return load32(options.at(code).data()); }
};

struct DhcpTest : testing::Test {
    void send(const Bytes &message, uint32_t from = 0, uint32_t to = 0xffffffff) {
        host.send(Host::udp({false, ipv4_address(from), ipv4_address(to)}, 68, 67, message));
    }
    std::optional<Reply> ask(const Query &query, uint32_t from = 0, uint32_t to = 0xffffffff) {
        send(query.message(), from, to);
        if (host.out.empty())
            return std::nullopt;
        Bytes bytes = host.take();
        auto packet = parse(bytes);
        EXPECT_EQ(packet->path.remote, ipv4_address(Host::gateway));
        EXPECT_EQ(load16(&packet->payload[0]), 67);
        EXPECT_EQ(load16(&packet->payload[2]), 68);
        ByteView m = packet->payload.subspan(8);
        EXPECT_GE(m.size(), 300u);
        EXPECT_EQ(m[0], 2);
        EXPECT_EQ(load32(&m[4]), 0xcafe0001);
        EXPECT_EQ(m[28], 2);
        Reply reply{load32(packet->path.local.bytes.data()), load32(&m[16]), {}};
        for (size_t at = 240; m[at] != 255; at += 2u + m[at + 1])
            reply.options[m[at]] =
                Bytes(m.begin() + ptrdiff_t(at) + 2, m.begin() + ptrdiff_t(at) + 2 + m[at + 1]);
        return reply;
    }
    Host host;
};

} // namespace

TEST_F(DhcpTest, DiscoverAndRequest) {
    auto offered = ask({.type = discover});
    ASSERT_TRUE(offered);
    EXPECT_EQ(offered->type(), offer);
    EXPECT_EQ(offered->your_address, Host::address);
    EXPECT_EQ(offered->destination, Host::address);
    EXPECT_EQ(host.peer.statistics().dhcp_leases, 0u);

    auto granted = ask({.type = request,
                        .requested = offered->your_address,
                        .server = offered->word(54),
                        .broadcast = true});
    ASSERT_TRUE(granted);
    EXPECT_EQ(granted->type(), ack);
    EXPECT_EQ(granted->destination, 0xffffffff);
    EXPECT_EQ(granted->your_address, Host::address);
    EXPECT_EQ(granted->word(1), 0xfffffffc);
    EXPECT_EQ(granted->word(3), Host::gateway);
    EXPECT_EQ(granted->word(6), Host::gateway);
    EXPECT_EQ(granted->word(51), 7200u);
    EXPECT_EQ(granted->word(54), Host::gateway);
    EXPECT_EQ(load16(granted->options.at(26).data()), 1500);
    EXPECT_EQ(host.peer.statistics().dhcp_leases, 1u);
}

TEST_F(DhcpTest, Renewal) {
    auto granted = ask({.type = request, .client = Host::address}, Host::address, Host::gateway);
    ASSERT_TRUE(granted);
    EXPECT_EQ(granted->type(), ack);
    EXPECT_EQ(granted->destination, Host::address);
}

TEST_F(DhcpTest, RefusesOtherAddresses) {
    for (const Query &query :
         {Query{.type = request, .requested = 0x0a000001, .server = Host::gateway},
          Query{.type = request, .requested = 0x0a000001},
          Query{.type = request, .client = 0x0a000001}}) {
        auto refused = ask(query);
        ASSERT_TRUE(refused);
        EXPECT_EQ(refused->type(), nak);
        EXPECT_EQ(refused->your_address, 0u);
        EXPECT_EQ(refused->destination, 0xffffffff);
    }
    EXPECT_EQ(host.peer.statistics().dhcp_leases, 0u);
}

TEST_F(DhcpTest, InformGetsNoLease) {
    auto told = ask({.type = inform, .client = Host::address}, Host::address, Host::gateway);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->type(), ack);
    EXPECT_EQ(told->your_address, 0u);
    EXPECT_FALSE(told->options.contains(51));
}

TEST_F(DhcpTest, SilentWhereItShouldBe) {
    EXPECT_FALSE(ask({.type = request, .requested = Host::address, .server = 0x01010101}));
    EXPECT_FALSE(ask({.type = decline, .requested = Host::address, .server = Host::gateway}));
    EXPECT_FALSE(ask({.type = release, .client = Host::address, .server = Host::gateway}));
    EXPECT_FALSE(ask({.type = discover}, 0, 0x08080808)); // not sent to this server
    EXPECT_FALSE(ask({.type = 0}));
}

TEST_F(DhcpTest, MalformedMessages) {
    Bytes good = Query{.type = discover}.message();
    for (size_t length = 0; length < good.size(); ++length)
        send(Bytes(good.begin(), good.begin() + ptrdiff_t(length)));
    for (size_t at : {0u, 236u, 241u}) { // op, cookie, length of the type
        Bytes bad = good;
        bad[at] = 200;
        send(bad);
    }
    EXPECT_TRUE(host.out.empty());
}
