// SPDX-License-Identifier: GPL-2.0
// The peer's TCP against a small client of the test's own, over a link that loses, doubles and
// reorders packets.
#include "ip_host.h"
#include "pattern.h"
#include "tcp_segment.h"

#include <map>
#include <random>

using namespace vmodem;
using namespace vmodem::ip;
using namespace std::chrono_literals;

namespace {

// Sends go-back-N, keeps out-of-order data, acknowledges each segment.
class Client {
  public:
    Client(Host &host, bool v6, uint16_t port, uint16_t own_port = 40000)
        : host_(host), path_(Host::path(v6)), port_(port), own_port_(own_port) {}

    void send_syn(std::optional<uint8_t> scale = 7) {
        TcpHeader header = make_header(0, syn);
        header.sequence = initial;
        header.acknowledgement = 0;
        header.mss = 1400;
        header.window_scale = scale;
        shift_ = scale.value_or(0);
        transmit(header, {});
    }
    void send_data(size_t position, size_t length) {
        bool end = position + length == output.size();
        transmit(
            make_header(position, uint8_t(ack | (end ? psh : 0) | (end && send_fin ? fin : 0))),
            ByteView(output).subspan(position, length));
    }
    void send_ack() { transmit(make_header(sent, ack), {}); }

    // Everything that may be sent now.
    void pump() {
        while (established && sent < output.size() && sent < acked + peer_window) {
            size_t length =
                std::min({mss, output.size() - sent, size_t(acked + peer_window - sent)});
            send_data(sent, length);
            sent += length;
        }
        if (established && send_fin && sent == output.size()) {
            send_data(sent, 0);
            ++sent;
        }
    }
    void time_out() {
        if (!established)
            return send_syn();
        sent = acked;
        pump();
        send_ack();
    }
    void receive(const Packet &packet) {
        auto segment = parse_tcp(packet.payload);
        ASSERT_TRUE(segment);
        if (segment->flags & rst) {
            reset = true;
            return;
        }
        if (segment->flags & syn) {
            peer_initial = segment->sequence;
            peer_mss = segment->mss.value_or(0);
            peer_shift_ = segment->window_scale.value_or(0);
            peer_window = segment->window;
            established = true;
            send_ack();
            return;
        }
        size_t now_acked = segment->acknowledgement - initial - 1;
        if (now_acked <= output.size() + 1 && now_acked >= acked) {
            acked = now_acked;
            sent = std::max(sent, acked);
            peer_window = size_t(segment->window) << peer_shift_;
            ++acks;
        }
        uint64_t start = segment->sequence - peer_initial - 1;
        if (segment->length() == 0)
            return;
        if (start < input.size() + (1 << 30))
            kept_[start] = Bytes(segment->payload.begin(), segment->payload.end());
        if (segment->flags & fin)
            fin_at_ = start + segment->payload.size();
        for (auto at = kept_.begin(); at != kept_.end() && at->first <= input.size();
             at = kept_.erase(at)) {
            size_t known = input.size() - at->first;
            if (known < at->second.size())
                input.insert(input.end(), at->second.begin() + ptrdiff_t(known), at->second.end());
        }
        finished = fin_at_ == input.size();
        send_ack();
    }

    TcpHeader make_header(size_t position, uint8_t flags) const {
        // The path is the host's: its local port is the client's.
        return {own_port_,
                port_,
                initial + 1 + uint32_t(position),
                peer_initial + 1 + uint32_t(input.size()) + finished,
                flags,
                uint16_t(std::min<size_t>(window >> shift_, 65535)),
                {},
                {}};
    }
    void transmit(const TcpHeader &header, ByteView payload) {
        Bytes packet = make_tcp(path_, header, payload.size());
        std::copy(payload.begin(), payload.end(), packet.end() - ptrdiff_t(payload.size()));
        to_peer.push_back(Host::finish(std::move(packet), tcp_checksum_offset));
    }
    bool mine(const Packet &packet) const {
        return packet.path.v6 == path_.v6 && load16(&packet.payload[2]) == own_port_;
    }

    static constexpr uint32_t initial = 0xfffffff0; // wraps at once
    Bytes output, input;                            // whole streams
    bool send_fin = false;
    size_t mss = 1400, window = 1 << 20;
    size_t sent = 0, acked = 0, peer_window = 0;
    bool established = false, finished = false, reset = false;
    uint32_t peer_initial = 0;
    uint16_t peer_mss = 0;
    unsigned acks = 0;
    std::deque<Bytes> to_peer;

  private:
    Host &host_;
    Path path_;
    uint16_t port_, own_port_;
    unsigned shift_ = 0, peer_shift_ = 0;
    std::map<uint64_t, Bytes> kept_;
    std::optional<uint64_t> fin_at_;
};

struct Link {
    double loss = 0, doubling = 0, reordering = 0;
    std::mt19937 random{1};

    bool happens(double probability) {
        return std::uniform_real_distribution<>(0, 1)(random) < probability;
    }
    // Takes one packet out of the queue, as the link sees fit.
    std::optional<Bytes> pass(std::deque<Bytes> &queue) {
        if (queue.size() > 1 && happens(reordering))
            std::swap(queue[0], queue[std::min<size_t>(queue.size() - 1, 3)]);
        Bytes packet = std::move(queue.front());
        queue.pop_front();
        if (happens(loss))
            return std::nullopt;
        if (happens(doubling))
            queue.push_front(packet);
        return packet;
    }
};

struct TcpTest : testing::TestWithParam<bool> {
    // Until nothing moves any more, or the client is done.
    void run(Client &client, Link link = {}) {
        for (int idle = 0; idle < 100 && !client.finished && !client.reset;) {
            client.pump();
            if (client.to_peer.empty() && host.out.empty()) {
                ++idle;
                host.run_for(50ms);
                if (host.out.empty() && idle % 5 == 0)
                    client.time_out();
                continue;
            }
            exchange(client, link);
            host.run_for(100us);
            if (!host.out.empty())
                idle = 0;
        }
        exchange(client, link);
    }
    void exchange(Client &client, Link &link) {
        for (int i = 0; i < 100 && !client.to_peer.empty(); ++i)
            if (auto packet = link.pass(client.to_peer))
                host.send(*packet);
        for (int i = 0; i < 100 && !host.out.empty(); ++i)
            if (auto packet = link.pass(host.out))
                deliver(client, *packet);
    }
    void deliver(Client &client, const Bytes &bytes) {
        EXPECT_LE(bytes.size(), 1500u);
        auto packet = parse(bytes);
        ASSERT_TRUE(packet && payload_checksum_right(*packet));
        if (client.mine(*packet))
            client.receive(*packet);
    }
    static std::string text(const Bytes &bytes) { return {bytes.begin(), bytes.end()}; }
    static Bytes pattern(size_t size) {
        Bytes bytes(size);
        fill_pattern(0, bytes);
        return bytes;
    }

    Host host;
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, TcpTest, testing::Bool(),
                         [](const auto &info) { return info.param ? "IPv6" : "IPv4"; });

const Link bad_link{.loss = 0.03, .doubling = 0.03, .reordering = 0.1, .random{}};

} // namespace

TEST_P(TcpTest, Sink) {
    Client client(host, GetParam(), 9);
    client.output = pattern(1000000);
    client.send_fin = true;
    client.send_syn();
    run(client);
    EXPECT_TRUE(client.finished);
    EXPECT_EQ(text(client.input), "1000000 0\n");
    EXPECT_EQ(client.peer_mss, GetParam() ? 1440 : 1460);
    EXPECT_EQ(host.peer.statistics().tcp_sunk_bytes, 1000000u);
    EXPECT_EQ(host.peer.statistics().tcp_out_of_order, 0u);
    EXPECT_EQ(host.peer.statistics().tcp_retransmits, 0u);
    EXPECT_LT(client.acks, 80u); // about one for 16 segments
}

TEST_P(TcpTest, SinkCountsMismatches) {
    Client client(host, GetParam(), 9);
    client.output = pattern(100000);
    client.output[5] ^= 1;
    client.output[77777] ^= 1;
    client.send_fin = true;
    client.send_syn();
    run(client);
    EXPECT_EQ(text(client.input), "100000 2\n");
    EXPECT_EQ(host.peer.statistics().tcp_sink_mismatches, 2u);
}

TEST_P(TcpTest, SinkOverABadLink) {
    Client client(host, GetParam(), 9);
    client.output = pattern(500000);
    client.send_fin = true;
    client.send_syn();
    run(client, bad_link);
    EXPECT_EQ(text(client.input), "500000 0\n");
    EXPECT_GT(host.peer.statistics().tcp_out_of_order, 0u);
}

TEST_P(TcpTest, Source) {
    Client client(host, GetParam(), 19);
    client.output = Host::text("1000000\n");
    client.send_syn();
    run(client);
    EXPECT_TRUE(client.finished);
    EXPECT_EQ(client.input, pattern(1000000));
    EXPECT_EQ(host.peer.statistics().tcp_retransmits, 0u);
    client.send_fin = true;
    client.pump();
    Link link;
    exchange(client, link);
    EXPECT_EQ(client.acked, 9u);
    EXPECT_EQ(host.peer.statistics().tcp_sourced_bytes, 1000000u);
}

TEST_P(TcpTest, SourceOverABadLink) {
    Client client(host, GetParam(), 19);
    client.output = Host::text("500000\n");
    client.send_syn();
    run(client, bad_link);
    EXPECT_TRUE(client.finished);
    EXPECT_EQ(client.input, pattern(500000));
    EXPECT_GT(host.peer.statistics().tcp_retransmits, 0u);
}

TEST_P(TcpTest, SourceKeepsToItsLimits) {
    IpPeer::Options options;
    options.tcp_segments_in_flight = 5;
    Host limited(options);
    Client client(limited, GetParam(), 19);
    client.output = Host::text("100000\n");
    client.send_syn();
    limited.send(client.to_peer.front());
    client.to_peer.clear();
    deliver(client, limited.take());
    client.pump();
    for (const Bytes &packet : client.to_peer)
        limited.send(packet);
    EXPECT_EQ(limited.out.size(), 5u);
}

TEST_P(TcpTest, SourceWaitsForRoom) {
    size_t most = 0;
    host.peer.set_room([&] { return host.out.size() < 10 ? 10 - host.out.size() : 0; });
    Client client(host, GetParam(), 19);
    client.output = Host::text("300000\n");
    client.send_syn();
    for (int i = 0; i < 1000 && !client.finished; ++i) {
        client.pump();
        most = std::max(most, host.out.size());
        Link link;
        exchange(client, link);
        host.run_for(1ms);
    }
    EXPECT_EQ(client.input, pattern(300000));
    EXPECT_LE(most, 11u); // an acknowledgement asks for no room
    EXPECT_EQ(host.peer.statistics().tcp_retransmits, 0u);
}

TEST_P(TcpTest, SourceProbesAZeroWindow) {
    Client client(host, GetParam(), 19);
    client.output = Host::text("100000\n");
    client.window = 0;
    client.send_syn();
    Link link;
    for (int i = 0; i < 3; ++i) {
        client.pump();
        exchange(client, link);
    }
    EXPECT_TRUE(host.out.empty());
    host.run_for(60s); // probes go on, and do not give up
    EXPECT_GT(host.out.size(), 5u);
    EXPECT_LT(host.out.size(), 30u);
    host.out.clear();
    client.window = 1 << 20;
    client.send_ack();
    run(client);
    EXPECT_EQ(client.input, pattern(100000));
}

TEST_P(TcpTest, SourceRefusesNonsense) {
    for (std::string_view line : {"\n", "x\n", "-1\n", "12 13\n", "99999999999999999999\n",
                                  "111111111111111111111111111111111111"}) {
        Host fresh;
        Client client(fresh, GetParam(), 19);
        client.output = Host::text(line);
        client.send_syn();
        for (int i = 0; i < 3; ++i) {
            client.pump();
            for (; !client.to_peer.empty(); client.to_peer.pop_front())
                fresh.send(client.to_peer.front());
            for (; !fresh.out.empty(); fresh.out.pop_front())
                deliver(client, fresh.out.front());
        }
        EXPECT_TRUE(client.reset) << line;
    }
}

TEST_P(TcpTest, Echo) {
    Client client(host, GetParam(), 7);
    client.output = pattern(2500000);
    client.send_fin = true;
    client.send_syn();
    run(client);
    EXPECT_TRUE(client.finished);
    EXPECT_EQ(client.input, client.output);
}

TEST_P(TcpTest, EchoOverABadLink) {
    Client client(host, GetParam(), 7);
    client.output = pattern(300000);
    client.send_fin = true;
    client.send_syn();
    run(client, bad_link);
    EXPECT_EQ(client.input, client.output);
}

TEST_P(TcpTest, LargeSegmentsAndNoWindowScale) {
    Client client(host, GetParam(), 9);
    client.mss = 60000;
    client.output = pattern(1000000);
    client.send_fin = true;
    client.send_syn(std::nullopt);
    run(client);
    EXPECT_EQ(text(client.input), "1000000 0\n");
}

TEST_P(TcpTest, AnswersKeepAlives) {
    Client client(host, GetParam(), 9);
    client.output = pattern(1000);
    client.send_syn();
    run(client);
    EXPECT_EQ(client.acked, 1000u);
    host.out.clear();
    client.transmit(client.make_header(999, ack), {});
    host.send(client.to_peer.back());
    ASSERT_EQ(host.out.size(), 1u);
    EXPECT_EQ(host.peer.statistics().tcp_out_of_order, 0u);
}

TEST_P(TcpTest, DelaysAcknowledgements) {
    Client client(host, GetParam(), 9);
    client.output = pattern(100000);
    client.send_syn();
    Link link;
    exchange(client, link);
    exchange(client, link);
    client.send_data(0, 1400);
    host.send(client.to_peer.back());
    EXPECT_TRUE(host.out.empty());
    host.run_for(4900us);
    EXPECT_TRUE(host.out.empty());
    host.run_for(200us);
    EXPECT_EQ(host.out.size(), 1u);
}

TEST_P(TcpTest, RefusesOtherPorts) {
    Client client(host, GetParam(), 80);
    client.send_syn();
    run(client);
    EXPECT_TRUE(client.reset);
    EXPECT_FALSE(client.established);
    host.send(client.to_peer.empty() ? Bytes(1) : client.to_peer.back());
    EXPECT_TRUE(host.out.empty()); // nothing to a stray packet
}

TEST_P(TcpTest, ResetEndsAConnection) {
    Client client(host, GetParam(), 19);
    client.output = Host::text("1000000\n");
    client.send_syn();
    Link link;
    for (int i = 0; i < 2; ++i) {
        client.pump();
        exchange(client, link);
    }
    // One outside of the window is not believed.
    TcpHeader header = client.make_header(client.sent + (100 << 20), rst);
    client.to_peer.clear();
    client.transmit(header, {});
    client.transmit(client.make_header(client.sent, rst), {});
    host.send(client.to_peer.front());
    EXPECT_TRUE(host.peer.advance(host.now));
    host.send(client.to_peer.back());
    host.out.clear();
    host.run_for(10s);
    EXPECT_TRUE(host.out.empty());
}

TEST_P(TcpTest, GivesUpASilentHost) {
    Client client(host, GetParam(), 19);
    client.output = Host::text("1000\n");
    client.send_syn();
    Link link;
    for (int i = 0; i < 2; ++i) {
        client.pump();
        exchange(client, link);
    }
    host.run_for(200s);
    EXPECT_FALSE(host.peer.advance(host.now));
    EXPECT_LT(host.out.size(), 40u);
}

TEST_P(TcpTest, ManyConnectionsAtOnce) {
    for (uint16_t i = 0; i < 256; ++i) {
        Client client(host, GetParam(), 9, uint16_t(1000 + i));
        client.send_syn();
        Link link;
        exchange(client, link);
        exchange(client, link);
        ASSERT_TRUE(client.established) << i;
    }
    Client refused(host, GetParam(), 9, 5000);
    refused.send_syn();
    run(refused);
    EXPECT_TRUE(refused.reset);
    host.run_for(61s); // all are idle for long
    Client client(host, GetParam(), 9, 5001);
    client.output = pattern(1000);
    client.send_fin = true;
    client.send_syn();
    run(client);
    EXPECT_EQ(text(client.input), "1000 0\n");
}

TEST_P(TcpTest, PortsCanBeUsedAgainAtOnce) {
    for (int i = 0; i < 3; ++i) {
        Client client(host, GetParam(), 9);
        client.output = pattern(1000);
        client.send_fin = true;
        client.send_syn();
        run(client);
        EXPECT_EQ(text(client.input), "1000 0\n");
    }
}
