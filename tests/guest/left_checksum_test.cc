// SPDX-License-Identifier: GPL-2.0
// Checksums that packet sockets and virtual machines leave to be computed: they say themselves over
// what, and that can be anything. What makes no sense must harm nobody.
#include "../modem/ip_checksum.h"
#include "../modem/ip_wire.h"
#include "packets.h"

#include <gtest/gtest.h>
#include <mutex>

namespace guest {
namespace {

constexpr size_t payload = 101, packet_size = 20 + 8 + payload;
constexpr size_t udp_start = ethernet_header_size + 20, udp_field = 6;
// Newer kernels refuse to start before that, where they take the network header to be.
constexpr uint16_t always_taken_from = 20;

class LeftChecksums : public testing::TestWithParam<Setup> {
  protected:
    LeftChecksums()
        : driver_("qmap_mode=" + std::to_string(GetParam().mode)),
          bench_(GetParam().profile, GetParam().mode, options()) {
        bench_.connect_all();
    }

    ModemOptions options() {
        ModemOptions options;
        options.uplink_packet = [this](uint8_t, ByteView packet, uint64_t) {
            const std::lock_guard lock(mutex_);
            if (packet.size() == packet_size)
                arrived_.emplace(packet.begin(), packet.end());
        };
        return options;
    }
    const Pdn &pdn() const { return bench_.pdns().back(); }
    bool v5() const { return bench_.own_format().ul == vmodem::Qmap::v5; }
    // That packet as the module got it; nothing if the kernel did not take it.
    std::optional<Bytes> send(const LeftChecksum &left) {
        {
            const std::lock_guard lock(mutex_);
            arrived_.reset();
        }
        if (send_raw(pdn().netdev, packet_, left))
            return std::nullopt;
        const auto taken = [this] {
            const std::lock_guard lock(mutex_);
            return arrived_;
        };
        EXPECT_TRUE(wait_until([&] { return taken().has_value(); })) << left.start;
        return taken();
    }
    // With what was left completed.
    Bytes completed(const LeftChecksum &left) const {
        Bytes packet = packet_;
        const size_t start = left.start - ethernet_header_size;
        const ByteView region = ByteView(packet).subspan(start);
        const uint16_t sum = vmodem::ip::finish_sum(vmodem::ip::add_to_sum(0, region));
        vmodem::ip::store_checksum(&packet[start + left.field], sum ? sum : 0xffff);
        return packet;
    }

    std::mutex mutex_;
    std::optional<Bytes> arrived_;
    LoadedDriver driver_;
    Bench bench_;
    // To the sink behind the PDN; its checksum field holds what is to be added.
    const Bytes packet_ = [this] {
        Bytes packet = udp_packet(pdn(), payload, 9, 0x35);
        std::swap_ranges(&packet[12], &packet[16], &packet[16]);
        vmodem::ip::store16(&packet[26], 0x1234);
        return packet;
    }();
};

TEST_P(LeftChecksums, AnywhereInTheFrame) {
    const size_t frame = ethernet_header_size + packet_size;
    unsigned taken = 0, declined = 0, refused = 0;
    for (const uint16_t field : {0, 2, 6, 16, 20, 100, 1000})
        for (uint16_t start = 0; start <= frame; start += start < 50 ? 1 : 13) {
            SCOPED_TRACE(testing::Message() << start << " + " << field);
            const LeftChecksum left{start, field};
            if (start >= ethernet_header_size && start + field < udp_start)
                continue; // no IP packet any more, by the sender's own doing
            const auto arrived = send(left);
            if (start + field + 2u > frame) {
                EXPECT_FALSE(arrived);
                refused++;
                continue;
            }
            if (!arrived && start < always_taken_from) {
                declined++;
                continue;
            }
            ASSERT_TRUE(arrived);
            taken++;
            if (v5() && start == udp_start)
                continue;
            EXPECT_EQ(*arrived, start < ethernet_header_size ? packet_ : completed(left));
        }
    EXPECT_GT(taken, 150u);
    EXPECT_GT(taken + declined, 200u);
    EXPECT_GT(refused, 50u);
    EXPECT_EQ(udp_echo(pdn().ipv4(), 1000), "");
    EXPECT_EQ(bench_.modem().uplink().violations, 0u) << bench_.modem().uplink().first_violation;
}

// Only the one that the module would compute is left to it.
TEST_P(LeftChecksums, ModuleIsAskedForItsOwn) {
    const auto wanted = [&] { return bench_.modem().uplink().checksums_wanted; };
    const uint64_t before = wanted();
    for (const uint16_t start : {0, 14, 26, 33, 35, 42, 60})
        EXPECT_TRUE(send({start, udp_field}) || start < always_taken_from);
    EXPECT_EQ(wanted(), before);
    EXPECT_TRUE(send({udp_start, udp_field}));
    EXPECT_EQ(wanted(), before + v5());
}

INSTANTIATE_TEST_SUITE_P(Modes, LeftChecksums,
                         testing::Values(Setup{"ec25", 0}, Setup{"ec25", 1}, Setup{"eg12", 4},
                                         Setup{"rm500q", 4}),
                         name_of);

} // namespace
} // namespace guest
