// SPDX-License-Identifier: GPL-2.0
// What a socket that nobody reads can make the system hold on to. The kernel limits it by each
// packet's truesize, so that has to say how much memory the packet really keeps from others.
#include "../modem/file_descriptor.h"
#include "bench.h"
#include "map_frames.h"

#include <algorithm>
#include <array>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace guest {
namespace {

// Bytes of memory that nobody uses, with the pages that the allocator keeps at hand for a CPU:
// MemFree, which leaves these out, is wrong by megabytes.
uint64_t free_memory() {
    write_file("/proc/sys/vm/stat_refresh", "1");
    std::istringstream zones(read_file("/proc/zoneinfo").value_or(""));
    uint64_t pages = 0, number;
    for (std::string line, name; std::getline(zones, line);) {
        std::istringstream fields(line);
        if (fields >> name >> number && (name == "nr_free_pages" || name == "count:"))
            pages += number;
    }
    return pages * sysconf(_SC_PAGESIZE);
}

// An UDP socket with a receive buffer that is never read.
class Unread {
  public:
    Unread(uint16_t port, int limit) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        limit /= 2; // the kernel doubles it
        if (!fd_ || setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &limit, sizeof(limit)) ||
            bind(fd_.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)))
            throw std::system_error(errno, std::generic_category(), "UDP socket");
    }

    uint32_t limit() const { return info()[SK_MEMINFO_RCVBUF]; }
    // What the kernel takes all its packets for.
    uint32_t charged() const { return info()[SK_MEMINFO_RMEM_ALLOC]; }
    uint32_t dropped() const { return info()[SK_MEMINFO_DROPS]; }

  private:
    std::array<uint32_t, SK_MEMINFO_VARS> info() const {
        std::array<uint32_t, SK_MEMINFO_VARS> info{};
        socklen_t size = sizeof(info);
        if (getsockopt(fd_.get(), SOL_SOCKET, SO_MEMINFO, info.data(), &size))
            throw std::system_error(errno, std::generic_category(), "SO_MEMINFO");
        return info;
    }

    vmodem::FileDescriptor fd_;
};

class ReceiveMemory : public testing::TestWithParam<Setup> {
  protected:
    ReceiveMemory() : driver("qmap_mode=" + std::to_string(GetParam().mode)), bench(GetParam()) {
        bench.connect_all();
    }

    Bytes frame(uint16_t to, size_t payload) {
        return data_frame(bench.own_format().dl, pdn().mux_id, udp_packet(pdn(), payload, to));
    }
    const Pdn &pdn() { return bench.pdns().back(); }

    // Floods the sockets until each of them drops packets, by transfers of that many packets, of
    // which so many are for one of the sockets and the others come to nothing.
    void fill(const std::vector<Unread> &unread, size_t payload, unsigned packets, unsigned kept) {
        constexpr unsigned rounds_at_once = 8, most_rounds = 1000;
        const Unread full(full_port, 0);
        const Bytes others = repeat(frame(full_port, payload), packets - kept);
        std::vector<Bytes> transfers;
        for (unsigned i = 0; i < unread.size(); i++)
            transfers.push_back(join({repeat(frame(first_port + i, payload), kept), others}));
        for (unsigned round = 1;; round++) {
            for (const Bytes &transfer : transfers)
                bench.modem().inject_transfer(transfer);
            ASSERT_TRUE(bench.modem().drain_downlink(patience));
            if (round % rounds_at_once == 0 &&
                std::ranges::all_of(unread, [](const Unread &u) { return u.dropped() > 0; }))
                break;
            ASSERT_LT(round, most_rounds) << "nothing is dropped";
        }
    }

    // However much is sent: the sockets keep what they are limited to, and the machine does without
    // no more than 'factor' times that. All of it is there again once they are closed.
    void expect_bounded(size_t payload, unsigned packets, unsigned kept, unsigned factor) {
        constexpr unsigned sockets = 64;
        constexpr int limit = 64 * 1024;
        // Pages that CPUs and caches have at hand.
        constexpr uint64_t noise = 3 << 20;
        settled([] { return unsigned(free_memory() >> 18); });
        const uint64_t before = free_memory();
        {
            std::vector<Unread> unread;
            for (unsigned i = 0; i < sockets; i++)
                unread.emplace_back(first_port + i, limit);
            ASSERT_NO_FATAL_FAILURE(fill(unread, payload, packets, kept));
            uint64_t charged = 0;
            for (const Unread &u : unread) {
                // The last packet may exceed it.
                EXPECT_LE(u.charged(), u.limit() + 2 * payload + 2048);
                EXPECT_GE(u.charged(), u.limit() / 2);
                charged += u.charged();
            }
            const uint64_t after = free_memory(), missing = before > after ? before - after : 0;
            EXPECT_LE(missing, factor * charged + noise) << charged << " bytes are charged";
            EXPECT_GE(missing + noise, charged) << "this does not measure it";
        }
        EXPECT_TRUE(wait_until([&] { return free_memory() + noise >= before; }))
            << before - free_memory() << " bytes have not come back";
    }

    static constexpr uint16_t first_port = 7000, full_port = 6999;
    LoadedDriver driver;
    Bench bench;
};

TEST_P(ReceiveMemory, OfAllPackets) {
    expect_bounded(64, 8, 8, 2);
    expect_bounded(1400, 2, 2, 2);
}

// Not more than a page is kept from others by a packet, which is charged 768 bytes if it is small
// and half a page if it is as usual.
TEST_P(ReceiveMemory, OfOnePacketInATransfer) {
    expect_bounded(64, 8, 1, 6);
    expect_bounded(1400, 2, 1, 3);
}

INSTANTIATE_TEST_SUITE_P(Modes, ReceiveMemory,
                         testing::Values(Setup{"ec25", 2}, Setup{"rm500q", 2}), name_of);

} // namespace
} // namespace guest
