// SPDX-License-Identifier: GPL-2.0
// Mutated packets into the peer; the sanitizers watch. IP_FUZZ_ROUNDS asks for more than the
// default, IP_FUZZ_SEED for others.
#include "ip_host.h"
#include "tcp_segment.h"

#include <cstdlib>
#include <random>

using namespace vmodem;
using namespace vmodem::ip;

static unsigned from_environment(const char *name, unsigned otherwise) {
    const char *value = std::getenv(name);
    return value ? unsigned(std::strtoul(value, nullptr, 10)) : otherwise;
}

namespace {

class Fuzzer {
  public:
    Fuzzer() : random_(from_environment("IP_FUZZ_SEED", 1)) {
        host_.peer.set_room([this] { return random_() % 50; });
    }

    void round() {
        Bytes packet = below(8) && !replies_.empty() ? answer() : opening();
        if (below(8) == 0)
            mutate(packet);
        host_.send(packet);
        if (below(8) == 0)
            host_.run_for(std::chrono::milliseconds(below(8) ? 5 : below(1000)));
        ASSERT_LT(host_.out.size(), 20000u);
        for (Bytes &reply : host_.out) {
            ASSERT_LE(reply.size(), 1500u);
            // Conversations go on; a reset ends one, and answering it would only yield another.
            bool v6 = reply[0] >> 4 == 6;
            bool tcp = reply[v6 ? 6 : 9] == 6;
            bool ends = tcp && payload_of(reply)[13] & rst;
            if (!ends && (tcp || below(32) == 0))
                replies_.push_back(std::move(reply));
        }
        host_.out.clear();
        while (replies_.size() > 64)
            replies_.pop_front();
    }

  private:
    size_t below(size_t limit) { return random_() % limit; }

    Bytes opening() {
        bool v6 = random_() % 2;
        Path path = Host::path(v6);
        static constexpr uint16_t ports[] = {7, 9, 19, 67, 80};
        uint16_t port = ports[below(5)];
        switch (below(5)) {
        case 0: {
            static constexpr uint8_t types[] = {8, 128, 133, 135, 0, 3};
            Bytes message(8 + 16 * below(2) + (below(4) ? 8 * below(4) : below(3000)));
            message[0] = types[below(6)];
            for (size_t at = message[0] == 135 ? 24 : 8; at + 8 <= message.size(); at += 8)
                message[at] = message[at + 1] = 1;
            return Host::icmp(path, message, 255);
        }
        case 1:
            return Host::udp(path, port == 67 ? 68 : uint16_t(1000 + below(4)), port,
                             port == 19 ? Host::text("20 900 0") : Bytes(below(600)));
        case 2:
            return dhcp();
        default:
            TcpHeader syn_header{uint16_t(2000 + (below(64) ? below(4) : below(1000))),
                                 port,
                                 uint32_t(random_()),
                                 0,
                                 syn,
                                 uint16_t(random_()),
                                 uint16_t(random_()),
                                 uint8_t(below(16))};
            return Host::finish(make_tcp(path, syn_header, 0), tcp_checksum_offset);
        }
    }
    Bytes dhcp() {
        Bytes message(240);
        message[0] = 1;
        store32(&message[236], 0x63825363);
        store32(&message[12], below(2) ? Host::address : 0);
        message.insert(message.end(), {53, 1, uint8_t(1 + below(8)), 61, 2, 1, 2});
        for (uint8_t code : {50, 54})
            if (below(2)) {
                message.insert(message.end(), {code, 4, 0, 0, 0, 0});
                store32(&message[message.size() - 4], code == 50 ? Host::address : Host::gateway);
            }
        message.push_back(255);
        Path path{false, Address(), ipv4_address(0xffffffff)};
        return Host::udp(path, 68, 67, message);
    }
    // Something that fits to what the peer sent: TCP goes on, the rest is sent back to it.
    Bytes answer() {
        // Mostly the newest, and each once.
        auto chosen = replies_.end() - 1 - (below(4) ? 0 : ptrdiff_t(below(replies_.size())));
        Bytes reply = std::move(*chosen);
        replies_.erase(chosen);
        auto packet = parse(reply);
        Path back{packet->path.v6, packet->path.local, packet->path.remote};
        if (packet->fragment || Protocol(packet->protocol) != Protocol::tcp) {
            auto swap = [&](size_t at, size_t n) {
                std::swap_ranges(&reply[at], &reply[at + n], &reply[at + n]);
            };
            back.v6 ? swap(8, 16) : swap(12, 4);
            return reply;
        }
        auto segment = parse_tcp(packet->payload);
        static constexpr uint8_t odd_flags[] = {ack | fin, ack | fin, rst, syn, 0xff};
        static constexpr int32_t near[] = {1, -1, 1000, 1400, 100000, 1 << 30, -100};
        Bytes payload(below(2) ? below(3000) : 0, '7');
        if (below(2) && payload.size() > 6)
            payload[6] = '\n';
        TcpHeader header{segment->local_port,
                         segment->remote_port,
                         segment->acknowledgement + (below(4) ? 0 : uint32_t(near[below(7)])),
                         segment->sequence + segment->length() +
                             (below(8) ? 0 : uint32_t(near[below(7)])),
                         below(16) ? uint8_t(ack) : odd_flags[below(5)],
                         uint16_t(below(8) ? random_() : 0),
                         {},
                         {}};
        Bytes bytes = make_tcp(back, header, payload.size());
        std::copy(payload.begin(), payload.end(), bytes.end() - ptrdiff_t(payload.size()));
        return Host::finish(std::move(bytes), tcp_checksum_offset);
    }
    void mutate(Bytes &packet) {
        for (size_t i = below(4); !packet.empty() && i != SIZE_MAX; --i)
            switch (below(5)) {
            case 0:
                packet.resize(below(packet.size() + 1));
                break;
            case 1:
                packet.resize(packet.size() + below(64));
                break;
            case 2:
                packet[below(std::min<size_t>(packet.size(), 80))] = uint8_t(random_());
                break;
            default:
                packet[below(packet.size())] ^= uint8_t(1 << below(8));
            }
        if (packet.size() < 64 || below(4) == 0)
            return;
        // Sound again on the outside, so that it gets further in.
        bool v6 = packet[0] >> 4 == 6;
        store16(&packet[v6 ? 4 : 2], uint32_t(packet.size() - (v6 ? 40 : 0)));
        if (!v6 && packet[0] >> 4 == 4)
            fill_header_checksum(packet);
        if (uint8_t protocol = packet[v6 ? 6 : 9]; protocol == 6 || protocol == 17)
            packet = Host::finish(std::move(packet), protocol == 6 ? 16 : 6);
        else if (protocol == 1 || protocol == 58)
            packet = Host::finish(std::move(packet), 2);
    }

    std::mt19937 random_;
    Host host_;
    std::deque<Bytes> replies_;
};

} // namespace

TEST(IpFuzz, MutatedPackets) {
    Fuzzer fuzzer;
    unsigned rounds = from_environment("IP_FUZZ_ROUNDS", 30000);
    for (unsigned i = 0; i < rounds && !testing::Test::HasFatalFailure(); ++i)
        fuzzer.round();
}
