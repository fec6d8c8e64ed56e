// SPDX-License-Identifier: GPL-2.0
// Uplink: full aggregates under load, no delay on an idle link, nothing lost, order kept, and no
// PDN at the cost of another.
#include "bench.h"
#include "packets.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <endian.h>
#include <gtest/gtest.h>
#include <mutex>
#include <net/if.h>
#include <set>
#include <sstream>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace guest {
namespace {

using vmodem::Clock;
using vmodem::Qmap;

// What the modem got, packet by packet.
class Recorder {
  public:
    struct Packet {
        Clock::time_point time;
        uint64_t transfer;
        uint8_t mux_id;
        size_t size;
        std::optional<uint64_t> number; // of a UDP flood's datagram
    };

    ModemOptions options() {
        ModemOptions options;
        options.uplink_packet = [this](uint8_t mux_id, ByteView packet, uint64_t transfer) {
            const std::lock_guard lock(mutex_);
            packets_.push_back({Clock::now(), transfer, mux_id, packet.size(), number_of(packet)});
        };
        return options;
    }
    void forget() {
        const std::lock_guard lock(mutex_);
        packets_.clear();
    }
    std::vector<Packet> packets() const {
        const std::lock_guard lock(mutex_);
        return packets_;
    }
    // Those of udp_flood() alone.
    std::vector<Packet> flood() const {
        std::vector<Packet> all = packets();
        std::erase_if(all, [](const Packet &p) { return !p.number; });
        return all;
    }
    size_t flood_count() const {
        const std::lock_guard lock(mutex_);
        return std::ranges::count_if(packets_,
                                     [](const Packet &p) { return p.number.has_value(); });
    }

  private:
    static std::optional<uint64_t> number_of(ByteView packet) {
        constexpr size_t headers = 28, sink = 9;
        if (packet.size() < headers + 8 || packet[0] != 0x45 || packet[9] != 17 ||
            packet[22] != 0 || packet[23] != sink)
            return std::nullopt;
        uint64_t number;
        std::memcpy(&number, &packet[headers], sizeof(number));
        return be64toh(number);
    }

    mutable std::mutex mutex_;
    std::vector<Packet> packets_;
};

// Each PDN's datagrams are there, once and in order, but for so many that are lost.
void expect_in_order(const std::vector<Recorder::Packet> &flood, const std::set<uint8_t> &mux_ids,
                     uint64_t count, uint64_t lost = 0) {
    std::map<uint8_t, uint64_t> next;
    uint64_t missing = 0;
    for (const auto &packet : flood) {
        ASSERT_GE(*packet.number, next[packet.mux_id]) << unsigned(packet.mux_id);
        missing += *packet.number - next[packet.mux_id];
        next[packet.mux_id] = *packet.number + 1;
    }
    for (uint8_t mux_id : mux_ids) {
        ASSERT_LE(next[mux_id], count) << unsigned(mux_id);
        missing += count - next[mux_id];
    }
    EXPECT_EQ(missing, lost);
}

struct Shape {
    double datagrams = 0; // average in a transfer
    uint64_t max_datagrams = 0;
    size_t mixed = 0; // transfers with packets of several PDNs
};

Shape shape_of(const std::vector<Recorder::Packet> &packets) {
    std::map<uint64_t, std::pair<uint64_t, std::set<uint8_t>>> transfers;
    for (const auto &packet : packets) {
        transfers[packet.transfer].first++;
        transfers[packet.transfer].second.insert(packet.mux_id);
    }
    Shape shape;
    for (const auto &[number, transfer] : transfers) {
        shape.max_datagrams = std::max(shape.max_datagrams, transfer.first);
        shape.mixed += transfer.second.size() > 1;
    }
    if (!transfers.empty())
        shape.datagrams = double(packets.size()) / transfers.size();
    return shape;
}

// Runs on all the PDNs at once.
void on_all(const std::vector<Pdn> &pdns, const std::function<std::string(const Pdn &)> &traffic) {
    std::vector<std::jthread> threads;
    for (const Pdn &pdn : pdns)
        threads.emplace_back([&traffic, &pdn] { EXPECT_EQ(traffic(pdn), "") << pdn.netdev; });
    for (std::jthread &thread : threads)
        thread.join();
}

void expect_clean(Bench &bench) {
    const auto up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
    for (const char *name : {"tx_not_ip", "tx_too_long", "tx_no_memory", "tx_stall", "tx_urb_error",
                             "tx_answer_dropped"})
        EXPECT_EQ(bench.counter(name), 0u) << name;
}

// Those udp_flood() that have packets on this machine yet.
unsigned floods_waiting() {
    unsigned waiting = 0;
    std::istringstream table(read_file("/proc/net/udp").value_or(""));
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string slot, local, remote, state, queues;
        fields >> slot >> local >> remote >> state >> queues;
        waiting += remote.ends_with(":0009") && !queues.starts_with("00000000:");
    }
    return waiting;
}

class Uplink : public testing::TestWithParam<const char *> {
  protected:
    Uplink() : driver_("qmap_mode=4"), bench_(GetParam(), 4, recorder_.options()) {}

    Modem &modem() { return bench_.modem(); }
    std::set<uint8_t> mux_ids() const { return {0x81, 0x82, 0x83, 0x84}; }
    void connect() {
        for (const Pdn &pdn : bench_.pdns())
            bench_.connect(pdn);
    }
    void wait_for_flood(size_t count) {
        EXPECT_TRUE(wait_until([&] { return recorder_.flood_count() >= count; }, 10 * patience))
            << recorder_.flood_count() << " of " << count;
    }
    // The module, and not this machine, is to be what limits the uplink: it takes a quarter of what
    // came through before, and no more than a poll of its state can keep up with.
    void limit_uplink() {
        constexpr unsigned count = 100;
        constexpr size_t payload = 1000;
        recorder_.forget();
        const auto start = Clock::now();
        on_all(bench_.pdns(), [](const Pdn &pdn) { return udp_flood(pdn.ipv4(), count, payload); });
        wait_for_flood(4 * count);
        const std::chrono::duration<double> taken = Clock::now() - start;
        modem().set_uplink_rate(
            uint64_t(std::min(4 * count * payload * 8 / taken.count() / 4, 10e6)));
        settle();
        recorder_.forget();
    }
    // The modem has taken all that the driver was given.
    void settle() {
        EXPECT_TRUE(wait_until([&] {
            return modem().pending_bulk_out() == 0 &&
                   modem().uplink().datagrams == bench_.counter("tx_datagrams");
        }));
    }
    DataFormat format(uint32_t datagrams, uint32_t size) const {
        DataFormat format = bench_.own_format();
        format.ul_max_datagrams = datagrams;
        format.ul_max_size = size;
        return format;
    }

    Recorder recorder_; // outlives the modem
    LoadedDriver driver_;
    Bench bench_;
};

TEST_P(Uplink, OneDatagramATransferBeforeAFormatIsAgreed) {
    DataFormat format = bench_.own_format();
    format.ul_max_datagrams = 0;
    format.ul_max_size = 0;
    modem().set_format(format);
    connect();
    recorder_.forget();
    constexpr unsigned count = 200;
    on_all(bench_.pdns(), [](const Pdn &pdn) { return udp_flood(pdn.ipv4(), count, 1000); });
    wait_for_flood(4 * count);
    EXPECT_EQ(shape_of(recorder_.packets()).max_datagrams, 1u);
    expect_in_order(recorder_.flood(), mux_ids(), count);
    expect_clean(bench_);
}

// Every format is made use of and never exceeded.
TEST_P(Uplink, AggregatesAsAgreed) {
    const auto own = bench_.own_format();
    bench_.agree();
    connect();
    limit_uplink();
    constexpr unsigned count = 120;
    constexpr size_t payload = 700, frame = payload + 28 + 8;
    for (const auto &[datagrams, size] :
         std::vector<std::pair<uint32_t, uint32_t>>{{own.ul_max_datagrams, own.ul_max_size},
                                                    {2, 1600},
                                                    {2, 32768},
                                                    {3, 1600},
                                                    {5, 4096},
                                                    {64, 1600},
                                                    {64, 2048},
                                                    {64, 8192},
                                                    {64, 16384},
                                                    {64, 32768}}) {
        settle();
        bench_.agree(format(datagrams, size));
        recorder_.forget();
        const auto before = modem().uplink();
        on_all(bench_.pdns(), [](const Pdn &pdn) { return udp_flood(pdn.ipv4(), count, payload); });
        wait_for_flood(4 * count);
        expect_in_order(recorder_.flood(), mux_ids(), count);

        const std::string what = std::to_string(datagrams) + " x " + std::to_string(size);
        const Shape shape = shape_of(recorder_.packets());
        const double full = std::min<double>(datagrams, size / frame);
        EXPECT_LE(shape.max_datagrams, datagrams) << what;
        EXPECT_GT(shape.datagrams, full / 2) << what;
        EXPECT_GT(shape.mixed, 0u) << what;
        const auto after = modem().uplink();
        EXPECT_EQ(after.violations, before.violations) << what << ": " << after.first_violation;
    }
    expect_clean(bench_);
}

TEST_P(Uplink, AggregatesTcpOfAllPdns) {
    bench_.connect_all();
    limit_uplink();
    on_all(bench_.pdns(), [](const Pdn &pdn) {
        return tcp_upload(pdn.number % 2 ? pdn.ipv4() : pdn.ipv6(), 600'000);
    });
    const Shape shape = shape_of(recorder_.packets());
    EXPECT_GT(shape.datagrams, 1.5);
    EXPECT_GT(shape.mixed, 0u);
    for (const Pdn &pdn : bench_.pdns()) {
        EXPECT_EQ(modem().peer(pdn.mux_id).tcp_out_of_order, 0u);
        EXPECT_EQ(modem().peer(pdn.mux_id).tcp_sink_mismatches, 0u);
    }
    expect_clean(bench_);
}

// A new format takes hold while packets wait and URBs are in flight.
TEST_P(Uplink, FormatChangesUnderLoad) {
    bench_.agree(format(1, 0));
    connect();
    // The module takes the most of what the driver is told below.
    DataFormat loose = format(64, 32768);
    modem().set_format(loose);
    limit_uplink();
    constexpr unsigned count = 600;
    std::jthread floods([&] {
        on_all(bench_.pdns(), [](const Pdn &pdn) { return udp_flood(pdn.ipv4(), count, 1000); });
    });
    unsigned step = 0;
    for (const auto &[datagrams, size] : std::vector<std::pair<uint32_t, uint32_t>>{
             {11, 8192}, {64, 32768}, {2, 1600}, {0, 0}, {64, 16384}, {16, 4096}}) {
        wait_for_flood(++step * count / 2);
        const qmi_wwan_q_format told = {sizeof(told), 0, 2, 4, 0x81, datagrams, size, 0};
        EXPECT_EQ(bench_.set_format(told), 0) << size;
    }
    floods.join();
    // What had been packed is lost where the module takes less from then on.
    const uint64_t lost = statistic(bench_.master(), "tx_errors");
    EXPECT_LE(lost, 64u + 64u + 64u);
    EXPECT_LE(bench_.counter("tx_discarded"), 3u);
    wait_for_flood(4 * count - lost);
    expect_in_order(recorder_.flood(), mux_ids(), count, lost);
    EXPECT_GT(shape_of(recorder_.flood()).max_datagrams, 11u);
    expect_clean(bench_);
}

// What is on its way, or waits with the driver, is lost with the netdevs, and counted.
TEST_P(Uplink, ClosedUnderLoad) {
    bench_.connect_all();
    settle();
    modem().hold_uplink(true);
    constexpr unsigned count = 60;
    ASSERT_EQ(udp_flood(bench_.pdn(1).ipv4(), count, 1000), "");
    EXPECT_GE(settled([&] { return modem().pending_bulk_out(); }), 2u);
    const uint64_t packed = bench_.counter("tx_datagrams");
    ASSERT_EQ(set_up(bench_.master(), false), 0);
    modem().hold_uplink(false);
    EXPECT_EQ(bench_.counter("tx_datagrams"), packed);
    EXPECT_GE(bench_.counter("tx_urb_error"), 2u);
    EXPECT_EQ(bench_.counter("tx_pdn_down"), 1u);
    EXPECT_EQ(statistic(bench_.pdn(1).netdev, "tx_dropped"), 1u);
    // Of those at the start some have come.
    EXPECT_GE(statistic(bench_.master(), "tx_errors") + recorder_.packets().size(), packed);
}

TEST_P(Uplink, LonePacketGoesAtOnce) {
    bench_.connect_all();
    settle();
    auto quickest = Clock::duration::max();
    for (unsigned i = 0; i < 10; i++) {
        settle();
        recorder_.forget();
        const auto start = Clock::now();
        ASSERT_EQ(udp_flood(bench_.pdn(1 + i % 4).ipv4(), 1, 100), "");
        wait_for_flood(1);
        const auto flood = recorder_.flood();
        ASSERT_EQ(flood.size(), 1u);
        quickest = std::min(quickest, flood[0].time - start);
    }
    // A delay of the driver's would be there each time; this machine's is not.
    EXPECT_LT(quickest, 100ms);
    expect_clean(bench_);
}

TEST_P(Uplink, GatheredPacketsGoWhenTheUrbCompletes) {
    bench_.connect_all();
    settle();
    recorder_.forget();
    modem().hold_uplink(true);
    ASSERT_EQ(udp_flood(bench_.pdn(1).ipv4(), 1, 100), "");
    ASSERT_TRUE(wait_until([&] { return modem().pending_bulk_out() == 1; }));
    // These gather: the pipe is busy.
    for (unsigned n = 2; n <= 4; n++)
        ASSERT_EQ(udp_flood(bench_.pdn(n).ipv4(), 1, 100), "");
    ASSERT_TRUE(wait_until([&] { return statistic(bench_.pdn(4).netdev, "tx_packets") > 0; }));
    EXPECT_EQ(modem().pending_bulk_out(), 1u);
    modem().hold_uplink(false);
    wait_for_flood(4);
    const auto flood = recorder_.flood();
    ASSERT_EQ(flood.size(), 4u);
    EXPECT_NE(flood[0].transfer, flood[1].transfer);
    EXPECT_EQ(flood[1].transfer, flood[3].transfer);
    expect_clean(bench_);
}

// While both flood, each has about half of the link, whatever the size of its packets.
TEST_P(Uplink, FloodsShareTheLink) {
    bench_.connect_all();
    limit_uplink();
    modem().hold_uplink(true); // until both wait
    constexpr unsigned count = 600;
    std::jthread floods([&] {
        on_all({bench_.pdn(2), bench_.pdn(3)},
               [](const Pdn &pdn) { return udp_flood(pdn.ipv4(), count, 1000); });
    });
    ASSERT_TRUE(wait_until([] { return floods_waiting() == 2; }));
    modem().hold_uplink(false);
    floods.join();
    wait_for_flood(2 * count);
    const auto flood = recorder_.flood();

    // From the later one's start to the earlier one's end.
    std::map<uint8_t, std::pair<size_t, size_t>> span;
    for (size_t i = 0; i < flood.size(); i++)
        span.try_emplace(flood[i].mux_id, i, i).first->second.second = i;
    const size_t first = std::max(span[0x82].first, span[0x83].first);
    const size_t last = std::min(span[0x82].second, span[0x83].second);
    ASSERT_GT(last, first + count) << "they hardly met";
    const auto share = std::count_if(flood.begin() + first, flood.begin() + last,
                                     [](const auto &packet) { return packet.mux_id == 0x82; });
    EXPECT_NEAR(double(share) / (last - first), 0.5, 0.1);
    expect_clean(bench_);
}

TEST_P(Uplink, PingIsAnsweredUnderAFlood) {
    bench_.connect_all();
    limit_uplink();
    // Ahead of a packet of another PDN there is what is in flight and the aggregate being filled.
    constexpr size_t payload = 1400, frame = payload + 28 + 8;
    const size_t aggregate = bench_.own_format().ul_max_size / frame;
    const size_t in_flight = std::max<size_t>(2 * aggregate, 32768 / frame);
    std::vector<size_t> ahead;
    std::atomic<bool> done = false;
    std::jthread flood([&] {
        while (!done)
            EXPECT_EQ(udp_flood(bench_.pdn(1).ipv4(), 1000, payload), "");
    });
    wait_for_flood(200);
    for (unsigned i = 0; i < 11; i++) {
        const size_t start = recorder_.packets().size();
        EXPECT_EQ(ping(bench_.pdn(2).ipv4()), "");
        const auto packets = recorder_.packets();
        ahead.push_back(std::ranges::count_if(
            packets.begin() + start,
            std::find_if(packets.begin() + start, packets.end(),
                         [](const auto &packet) { return packet.mux_id == 0x82; }),
            [](const auto &packet) { return packet.number.has_value(); }));
        EXPECT_EQ(ping(bench_.pdn(3).ipv6()), "");
    }
    done = true;
    flood.join();
    // The median: now and then this machine lets time pass before the ping is sent.
    std::ranges::sort(ahead);
    EXPECT_LE(ahead[ahead.size() / 2], in_flight + 2 * aggregate);
    expect_clean(bench_);
}

// A module that takes nothing for longer than the watchdog of a netdev would bear.
TEST_P(Uplink, HeldForSixSeconds) {
    bench_.connect_all();
    settle();
    recorder_.forget();
    KernelLog log;
    modem().hold_uplink(true);
    constexpr unsigned count = 250;
    std::jthread floods([&] {
        on_all(bench_.pdns(), [](const Pdn &pdn) { return udp_flood(pdn.ipv4(), count, 1000); });
    });
    ASSERT_TRUE(wait_until([&] { return modem().pending_bulk_out() >= 2; }));
    std::this_thread::sleep_for(6500ms);
    EXPECT_EQ(recorder_.flood_count(), 0u);
    modem().hold_uplink(false);
    floods.join();
    wait_for_flood(4 * count);
    expect_in_order(recorder_.flood(), mux_ids(), count);
    EXPECT_EQ(log.count("WATCHDOG"), 0u);
    EXPECT_EQ(tcp_upload(bench_.pdn(1).ipv4(), 300'000), "");
    expect_clean(bench_);
}

TEST_P(Uplink, WhatIsNotForTheModemIsCounted) {
    bench_.connect_all();
    write_file("/proc/sys/net/ipv6/conf/" + bench_.master() + "/disable_ipv6", "1");
    settle();
    const std::string netdev = bench_.pdn(1).netdev;
    const uint64_t dropped = statistic(netdev, "tx_dropped");
    unsigned count = 0;
    for (const Bytes &payload : {Bytes(), Bytes(1, 0x45), Bytes(19, 0x45), Bytes(39, 0x60),
                                 Bytes(60), Bytes(60, 0x55), Bytes(60, 0xf0), Bytes(1500, 0x06)}) {
        EXPECT_EQ(send_raw(netdev, payload), 0);
        count++;
        EXPECT_TRUE(wait_until([&] { return bench_.counter("tx_not_ip") == count; }))
            << payload.size() << " bytes";
    }
    EXPECT_EQ(statistic(netdev, "tx_dropped"), dropped + count);

    const uint64_t no_pdn = bench_.counter("tx_no_pdn");
    const Bytes packet = udp_packet(bench_.pdn(1), 100, 9);
    for (unsigned i = 0; i < 10; i++)
        EXPECT_EQ(send_raw(bench_.master(), packet), 0);
    EXPECT_TRUE(wait_until([&] { return bench_.counter("tx_no_pdn") == no_pdn + 10; }));
    EXPECT_EQ(udp_echo(bench_.pdn(1).ipv4(), 1000), "");
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
}

// Packets that waited while the MTU, and with it the room in a transfer, became smaller.
TEST_P(Uplink, TooLongIsCounted) {
    bench_.agree(format(1, 0));
    connect();
    const Pdn &pdn = bench_.pdn(1);
    ASSERT_EQ(set_mtu(pdn.netdev, 9000), 0);
    EXPECT_EQ(ping(pdn.ipv4(), 8000), "");
    settle();
    recorder_.forget();
    modem().hold_uplink(true);
    constexpr unsigned count = 12;
    ASSERT_EQ(udp_flood(pdn.ipv4(), count, 8000), "");
    ASSERT_TRUE(wait_until([&] { return modem().pending_bulk_out() >= 2; }));
    ASSERT_EQ(set_mtu(pdn.netdev, 1500), 0);
    modem().hold_uplink(false);
    EXPECT_TRUE(wait_until([&] {
        return recorder_.flood_count() + bench_.counter("tx_too_long") == count;
    })) << recorder_.flood_count()
        << " and " << bench_.counter("tx_too_long");
    EXPECT_GT(recorder_.flood_count(), 0u);
    EXPECT_GT(bench_.counter("tx_too_long"), 0u);
    EXPECT_EQ(udp_echo(pdn.ipv4(), 1000), "");
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
}

TEST_P(Uplink, PacketsOfEverySizeAtEveryMtu) {
    DataFormat large = format(16, 32768);
    large.dl_max_size = 31744;
    bench_.agree(large);
    connect();
    const Pdn &pdn = bench_.pdn(2);
    for (int mtu : {1280, 1400, 1500, 4000, 9000}) {
        ASSERT_EQ(set_mtu(pdn.netdev, mtu), 0) << mtu;
        for (size_t size = 0; size <= size_t(mtu) - 28; size += 1 + size / 9)
            ASSERT_EQ(ping(pdn.ipv4(), size), "") << size << " at " << mtu;
        ASSERT_EQ(ping(pdn.ipv4(), mtu - 28), "") << mtu;
        EXPECT_EQ(ping(pdn.ipv6(), mtu - 48), "") << mtu;
    }
    EXPECT_EQ(tcp_upload(pdn.ipv4(), 500'000), "");
    EXPECT_EQ(tcp_download(pdn.ipv4(), 500'000), "");
    expect_clean(bench_);
}

TEST_P(Uplink, MtuAndFormatMustFit) {
    bench_.connect_all();
    const std::string netdev = bench_.pdn(1).netdev;
    const uint32_t size = bench_.own_format().ul_max_size;
    const int most = int(size) - (std::string(GetParam()) == "rm500q" ? 8 : 4);
    EXPECT_EQ(set_mtu(netdev, 9000), EINVAL);
    EXPECT_EQ(set_mtu(netdev, most + 1), EINVAL);
    EXPECT_EQ(attribute(netdev, "mtu"), "1500");
    EXPECT_EQ(set_mtu(netdev, most), 0);
    EXPECT_EQ(ping(bench_.pdn(1).ipv4(), 3000), "");

    // A format that the MTU does not fit changes nothing.
    const qmi_wwan_q_format small = {sizeof(small), 0, 2, 4, 0x81, 5, size - 1, 0};
    EXPECT_EQ(bench_.set_format(small), EINVAL);
    EXPECT_EQ(ping(bench_.pdn(1).ipv4(), most - 28), "");
    EXPECT_EQ(set_mtu(netdev, 1500), 0);
    EXPECT_EQ(bench_.set_format(small), 0);
    EXPECT_EQ(udp_echo(bench_.pdn(1).ipv4(), 1400), "");
    expect_clean(bench_);
}

TEST_P(Uplink, MtuChangesUnderLoad) {
    bench_.connect_all();
    limit_uplink();
    constexpr uint64_t bytes = 1'500'000;
    std::jthread upload([&] { EXPECT_EQ(tcp_upload(bench_.pdn(1).ipv4(), bytes), ""); });
    std::jthread download([&] { EXPECT_EQ(tcp_download(bench_.pdn(2).ipv4(), bytes), ""); });
    unsigned step = 0;
    for (int mtu : {1400, 1280, 1500, 2000, 1300, 1500}) {
        EXPECT_TRUE(
            wait_until([&] { return modem().peer(0x81).tcp_sunk_bytes >= step * bytes / 8; }));
        step++;
        EXPECT_EQ(set_mtu(bench_.pdn(1).netdev, mtu), 0);
        EXPECT_EQ(set_mtu(bench_.pdn(2).netdev, mtu), 0);
    }
    upload.join();
    download.join();
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
}

TEST_P(Uplink, OnePdnDownAndUpUnderLoadOfTheOthers) {
    bench_.connect_all();
    limit_uplink();
    constexpr unsigned count = 800;
    std::jthread floods([&] {
        on_all({bench_.pdn(1), bench_.pdn(3), bench_.pdn(4)},
               [](const Pdn &pdn) { return udp_flood(pdn.ipv4(), count, 1000); });
    });
    const std::string netdev = bench_.pdn(2).netdev;
    wait_for_flood(100);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 10; i++) // some of these are still queued when it goes down
            send_raw(netdev, udp_packet(bench_.pdn(2), 1000, 7));
        ASSERT_EQ(set_up(netdev, false), 0);
        if (round == 0) {
            EXPECT_LT(recorder_.flood_count(), 3 * count) << "there was no load";
        }
        ASSERT_EQ(set_up(netdev, true), 0);
    }
    floods.join();
    wait_for_flood(3 * count);
    auto flood = recorder_.flood();
    std::erase_if(flood, [](const auto &packet) { return packet.mux_id == 0x82; });
    expect_in_order(flood, {0x81, 0x83, 0x84}, count);
    EXPECT_EQ(udp_echo(bench_.pdn(2).ipv4(), 1000), "");
    expect_clean(bench_);
}

INSTANTIATE_TEST_SUITE_P(Families, Uplink, testing::Values("eg12", "rm500q"),
                         [](const auto &info) { return std::string(info.param); });

// Mode 0 has no aggregates, and its DL URBs follow the MTU.
TEST(UplinkRawIp, EveryMtu) {
    LoadedDriver driver("qmap_mode=0");
    Bench bench("ec25", 0);
    bench.connect_all();
    for (int mtu : {1280, 1500, 4000, 9000, 1500}) {
        ASSERT_EQ(set_mtu(bench.master(), mtu), 0) << mtu;
        for (size_t size = 0; size <= size_t(mtu) - 28; size += 1 + size / 5)
            ASSERT_EQ(ping(bench.pdn(1).ipv4(), size), "") << size << " at " << mtu;
        ASSERT_EQ(ping(bench.pdn(1).ipv4(), mtu - 28), "") << mtu;
    }
    EXPECT_EQ(tcp_upload(bench.pdn(1).ipv4(), 500'000), "");
    EXPECT_EQ(bench.modem().uplink().max_datagrams, 1u);
    expect_clean(bench);
}

} // namespace
} // namespace guest
