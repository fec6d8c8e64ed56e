// SPDX-License-Identifier: GPL-2.0
// Malformed downlink: each bad frame moves its own counter, costs nothing but itself, and leaves
// no line in the kernel log.
#include "bench.h"
#include "map_frames.h"

#include <algorithm>
#include <cerrno>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <thread>

namespace guest {
namespace {

using Counters = std::map<std::string, uint64_t>;

constexpr uint16_t port = 7777;
constexpr uint8_t good_fill = 0x5a, next_fill = 0xee;
constexpr size_t next_size = 40;
constexpr uint8_t mux = 0x81, down_mux = 0x84; // PDN 4 stays down

// What no fault of the downlink changes.
bool of_uplink(const std::string &counter) {
    return counter == "tx_transfers" || counter == "tx_datagrams" || counter == "tx_no_pdn";
}

Counters difference(const Counters &before, const Counters &after) {
    Counters moved;
    for (const auto &[name, value] : after)
        if (value != before.at(name) && !of_uplink(name))
            moved[name] = value - before.at(name);
    return moved;
}

// Kernel lines of the network stack and the driver: not those of the virtual host controller, which
// reports each URB taken back and the 65535th since it was loaded, or of a machine that is short of
// time.
std::vector<std::string> unexpected(KernelLog &log) {
    std::vector<std::string> lines = log.lines();
    std::erase_if(lines, [](const std::string &line) {
        return line.starts_with("vhci_hcd: ") || line.ends_with(": seqnum max") ||
               line.starts_with("clocksource: ");
    });
    return lines;
}

// New netdevs ask no router: each transfer is to be the test's own.
class NoRouterSolicitations {
  public:
    NoRouterSolicitations() : before_(read_file(path).value_or("")) {
        EXPECT_EQ(write_file(path, "0"), 0);
    }
    ~NoRouterSolicitations() { EXPECT_EQ(write_file(path, before_), 0); }
    NoRouterSolicitations(const NoRouterSolicitations &) = delete;
    NoRouterSolicitations &operator=(const NoRouterSolicitations &) = delete;

  private:
    static constexpr const char *path = "/proc/sys/net/ipv6/conf/default/router_solicitations";
    const std::string before_;
};

// A module in that mode, its PDNs but the fourth connected.
struct Module {
    Module(const std::string &profile, unsigned mode)
        : driver("qmap_mode=" + std::to_string(mode)), bench(profile, mode) {
        bench.agree();
        for (const Pdn &pdn : bench.pdns())
            if (pdn.mux_id != down_mux)
                bench.connect(pdn);
        receiver = std::make_unique<UdpReceiver>(bench.pdn(1), port);
    }

    Bytes packet(size_t payload = 100, uint8_t fill = good_fill) const {
        return udp_packet(bench.pdn(1), payload, port, fill);
    }
    // Sends a packet of its own behind all that was injected; returns how many came before it.
    // Transfers are processed in order, so all counters are final then.
    unsigned delivered_before_next(bool any_content = false) {
        bench.modem().send_packet(bench.mode() ? mux : 0, packet(next_size, next_fill));
        for (unsigned delivered = 0;; delivered++) {
            const auto payload = receiver->receive();
            if (!payload) {
                ADD_FAILURE() << "the next good transfer is not delivered, after " << delivered;
                return delivered;
            }
            if (*payload == Bytes(next_size, next_fill))
                return delivered;
            EXPECT_TRUE(any_content || *payload == Bytes(payload->size(), good_fill));
        }
    }

    NoRouterSolicitations quiet;
    LoadedDriver driver;
    Bench bench;
    std::unique_ptr<UdpReceiver> receiver;
};

// What the bytes of a case are made of.
struct Frames {
    Qmap version;
    const Module &module;

    bool v5() const { return version == Qmap::v5; }
    Bytes frame(const Bytes &packet, uint8_t mux_id = mux) const {
        return data_frame(version, mux_id, packet);
    }
    Bytes good() const { return frame(module.packet()); }
    Bytes sized(size_t packet_size) const { return module.packet(packet_size - 28); }
    // The bad thing between two good frames.
    Bytes among(const Bytes &bad) const { return join({good(), bad, good()}); }
    // A frame with that MAP header, v5 header as agreed, and this many bytes.
    Bytes raw(uint8_t pad, size_t length, size_t bytes) const {
        return join({map_header(pad | (v5() ? wire::map_next_header : 0), mux, length),
                     v5() ? v5_header() : Bytes{}, Bytes(bytes, 0x45)});
    }
};

struct Fault {
    const char *name;
    std::function<Bytes(const Frames &)> transfer;
    Counters errors;        // that move, by how much
    unsigned delivered = 2; // good packets of the same transfer
    unsigned unread = 0;    // packets that the driver passes on and the stack refuses
    bool v1 = true, v5 = true;
};

const Counters none;

Fault v5_only(Fault fault) {
    fault.v1 = false;
    return fault;
}

const std::vector<Fault> &faults() {
    using F = const Frames &;
    static const std::vector<Fault> all = {
        {"NoFault", [](F f) { return f.among({}); }, none},
        // Pad and length.
        {"PadLargerThanLength",
         [](F f) { return f.among(f.raw(20, 16, 16)); },
         {{"rx_bad_pad", 1}}},
        {"PadEqualToLength", [](F f) { return f.among(f.raw(16, 16, 16)); }, {{"rx_bad_pad", 1}}},
        {"LargestPad", [](F f) { return f.among(f.raw(63, 4, 4)); }, {{"rx_bad_pad", 1}}},
        {"LengthZero", [](F f) { return f.among(f.raw(0, 0, 0)); }, {{"rx_bad_length", 1}}},
        {"LengthZeroWithPad", [](F f) { return f.among(f.raw(3, 0, 0)); }, {{"rx_bad_length", 1}}},
        {"AllZeroes", [](F) { return Bytes(1024); }, {{"rx_bad_length", 256}}, 0},
        {"AllZeroesOddSize",
         [](F) { return Bytes(2001); },
         {{"rx_bad_length", 500}, {"rx_cut_header", 1}},
         0},
        {"ZeroLengthTransfer", [](F) { return Bytes(); }, {{"rx_empty_transfer", 1}}, 0},
        // The transfer ends too soon.
        {"OneByte", [](F) { return Bytes(1, 0x81); }, {{"rx_cut_header", 1}}, 0},
        {"CutAfterOneByteOfHeader",
         [](F f) {
             return join({f.good(), Bytes(1)});
         },
         {{"rx_cut_header", 1}},
         1},
        {"CutBeforeTheLastByteOfHeader",
         [](F f) {
             return join({f.good(), Bytes(3)});
         },
         {{"rx_cut_header", 1}},
         1},
        {"CutBehindTheHeader",
         [](F f) {
             return join({f.good(), map_header(0, mux, 64)});
         },
         {{"rx_cut_frame", 1}},
         1},
        {"CutInPayload",
         [](F f) {
             return join({f.good(), f.raw(0, 64, 30)});
         },
         {{"rx_cut_frame", 1}},
         1},
        {"LengthOneTooLarge",
         [](F f) {
             return join({f.good(), f.raw(0, 65, 64)});
         },
         {{"rx_cut_frame", 1}},
         1},
        {"LargestLength",
         [](F f) {
             return join({f.good(), f.raw(0, 0xffff, 1000)});
         },
         {{"rx_cut_frame", 1}},
         1},
        v5_only({"CutBeforeTheV5Header",
                 [](F f) {
                     return join({f.good(), map_header(0x40, mux, 64)});
                 },
                 {{"rx_cut_header", 1}},
                 1}),
        v5_only({"CutInTheV5Header",
                 [](F f) {
                     return join({f.good(), map_header(0x40, mux, 64), {4, 0x80, 0}});
                 },
                 {{"rx_cut_header", 1}},
                 1}),
        v5_only({"CutBehindTheV5Header",
                 [](F f) {
                     return join({f.good(), map_header(0x40, mux, 64), v5_header()});
                 },
                 {{"rx_cut_frame", 1}},
                 1}),
        // v5 headers.
        v5_only({"V5HeaderMissing",
                 [](F f) { return f.among(data_frame(Qmap::v1, mux, f.module.packet())); }, none,
                 3}),
        v5_only({"V5Coalescing",
                 [](F f) {
                     return f.among(join({map_header(0x40, mux, 64), v5_header(1), Bytes(64)}));
                 },
                 {{"rx_bad_v5_type", 1}}}),
        v5_only({"V5UnknownType",
                 [](F f) {
                     return f.among(join({map_header(0x40, mux, 64), v5_header(0x7f), Bytes(64)}));
                 },
                 {{"rx_bad_v5_type", 1}}}),
        v5_only({"V5TypeZero",
                 [](F f) {
                     return f.among(join({map_header(0x40, mux, 64), v5_header(0), Bytes(64)}));
                 },
                 {{"rx_bad_v5_type", 1}}}),
        v5_only({"V5Chain",
                 [](F f) {
                     return f.among(join({map_header(0x40, mux, 128), v5_header(2, true),
                                          v5_header(2, true), v5_header(), f.module.packet()}));
                 },
                 none, 3}),
        v5_only({"V5ChainWithUnknownType",
                 [](F f) {
                     return f.among(join({map_header(0x40, mux, 128), v5_header(2, true),
                                          v5_header(1), f.module.packet()}));
                 },
                 {{"rx_bad_v5_type", 1}}}),
        v5_only(
            {"V5ChainWithoutEnd",
             [](F f) {
                 return join({f.good(), map_header(0x40, mux, 4), repeat(v5_header(2, true), 250)});
             },
             {{"rx_cut_header", 1}},
             1}),
        // Reserved bits are not looked at.
        v5_only({"V5ReservedBits",
                 [](F f) {
                     return f.among(join(
                         {map_header(0x40, mux, 128), {4, 0xff, 0xff, 0xff}, f.module.packet()}));
                 },
                 none, 3}),
        {.name = "ReservedBit",
         .transfer =
             [](F f) {
                 return f.among(join({map_header(0x40, mux, 128), f.module.packet()}));
             },
         .errors = none,
         .delivered = 3,
         .v5 = false},
        // Whose packet it is.
        {"MuxZero",
         [](F f) { return f.among(f.frame(f.module.packet(), 0)); },
         {{"rx_unknown_mux", 1}}},
        {"MuxBelowTheFirst",
         [](F f) { return f.among(f.frame(f.module.packet(), 0x7f)); },
         {{"rx_unknown_mux", 1}}},
        {"MuxOfTheBase",
         [](F f) { return f.among(f.frame(f.module.packet(), 0x80)); },
         {{"rx_unknown_mux", 1}}},
        {"MuxPastTheLast",
         [](F f) { return f.among(f.frame(f.module.packet(), 0x85)); },
         {{"rx_unknown_mux", 1}}},
        {"LargestMux",
         [](F f) { return f.among(f.frame(f.module.packet(), 0xff)); },
         {{"rx_unknown_mux", 1}}},
        {"NetdevDown",
         [](F f) { return f.among(f.frame(f.module.packet(), down_mux)); },
         {{"rx_pdn_down", 1}}},
        // What is in it.
        {"NibbleZero", [](F f) { return f.among(f.frame(Bytes(60, 0x05))); }, {{"rx_not_ip", 1}}},
        {"NibbleFive", [](F f) { return f.among(f.frame(Bytes(60, 0x55))); }, {{"rx_not_ip", 1}}},
        {"NibbleFifteen",
         [](F f) { return f.among(f.frame(Bytes(60, 0xf5))); },
         {{"rx_not_ip", 1}}},
        {"OneByteOfIpv4", [](F f) { return f.among(f.frame({0x45})); }, {{"rx_not_ip", 1}}},
        {"Ipv4ShorterThanItsHeader",
         [](F f) { return f.among(f.frame(Bytes(19, 0x45))); },
         {{"rx_not_ip", 1}}},
        {"Ipv6ShorterThanItsHeader",
         [](F f) { return f.among(f.frame(Bytes(39, 0x60))); },
         {{"rx_not_ip", 1}}},
        {.name = "IpLengthLargerThanPayload",
         .transfer =
             [](F f) {
                 Bytes packet = f.module.packet();
                 packet.resize(packet.size() - 8);
                 return f.among(f.frame(packet));
             },
         .errors = none,
         .unread = 1},
        {"IpLengthSmallerThanPayload",
         [](F f) {
             return f.among(f.frame(join({f.module.packet(), Bytes(12, 0xff)})));
         },
         none, 3},
        {"EthernetFrameInMap",
         [](F f) {
             return f.among(f.frame(join(
                 {{2, 0x50, 0xf3, 0, 0, 0, 2, 0x50, 0xf3, 0, 0, 0, 8, 0}, f.module.packet()})));
         },
         {{"rx_not_ip", 1}}},
        {"EthernetFrameInsteadOfMap",
         [](F f) {
             return join(
                 {{2, 0x50, 0xf3, 0, 0, 0, 2, 0x50, 0xf3, 0, 0, 0, 8, 0}, f.module.packet()});
         },
         {{"rx_cut_frame", 1}},
         0},
        // Larger than the MTU is no fault.
        {"PacketOf1501", [](F f) { return f.among(f.frame(f.sized(1501))); }, none, 3},
        {"PacketOf1600", [](F f) { return f.among(f.frame(f.sized(1600))); }, none, 3},
        {"PacketOf2000", [](F f) { return f.among(f.frame(f.sized(2000))); }, none, 3},
        {"PacketOf4000", [](F f) { return f.among(f.frame(f.sized(4000))); }, none, 3},
        {"PacketOf16000",
         [](F f) {
             return join({f.good(), f.frame(f.sized(16000))});
         },
         none, 2},
        // Commands.
        {"UnknownCommand",
         [](F f) { return f.among(command_frame(mux, 0x77)); },
         {{"rx_unknown_command", 1}, {"tx_answers", 1}}},
        {"CommandOfOneByte",
         [](F f) { return f.among(command_frame(mux, 1, 0, 0, 1)); },
         {{"rx_bad_command", 1}}},
        {"CommandOfFourBytes",
         [](F f) { return f.among(command_frame(mux, 1, 0, 0, 4)); },
         {{"rx_bad_command", 1}}},
        {"CommandOfSevenBytes",
         [](F f) { return f.among(command_frame(mux, 1, 0, 0, 7)); },
         {{"rx_bad_command", 1}}},
        {"CommandOfNoBytes",
         [](F f) { return f.among(map_header(0x80, mux, 0)); },
         {{"rx_bad_length", 1}}},
        {"CommandOf8Bytes",
         [](F f) { return f.among(command_frame(mux, 2, 0, 7, 8)); },
         {{"rx_flow_enable", 1}, {"tx_answers", 1}}},
        {"CommandOf16Bytes",
         [](F f) { return f.among(command_frame(mux, 2, 0, 7, 16)); },
         {{"rx_flow_enable", 1}, {"tx_answers", 1}}},
        {"CommandOf64Bytes",
         [](F f) { return f.among(command_frame(mux, 2, 0, 7, 64)); },
         {{"rx_flow_enable", 1}, {"tx_answers", 1}}},
        {"CommandOf65Bytes",
         [](F f) { return f.among(command_frame(mux, 2, 0, 7, 65)); },
         {{"rx_bad_command", 1}}},
        {"CommandOf2000Bytes",
         [](F f) { return f.among(command_frame(mux, 2, 0, 7, 2000)); },
         {{"rx_bad_command", 1}}},
        {"CommandForUnknownMux",
         [](F f) { return f.among(command_frame(0x85, 1)); },
         {{"rx_unknown_mux", 1}, {"tx_answers", 1}}},
        {"CommandForNetdevDown",
         [](F f) { return f.among(command_frame(down_mux, 2)); },
         {{"rx_flow_enable", 1}, {"tx_answers", 1}}},
        {"AnswerAck",
         [](F f) { return f.among(command_frame(mux, 1, 1)); },
         {{"rx_unknown_command", 1}}},
        {"AnswerUnsupported",
         [](F f) { return f.among(command_frame(mux, 1, 2)); },
         {{"rx_unknown_command", 1}}},
        {"AnswerInvalid",
         [](F f) { return f.among(command_frame(mux, 1, 3)); },
         {{"rx_unknown_command", 1}}},
        // A command has no v5 header, whatever the bit says that tells of one.
        {"CommandWithNextHeaderBit",
         [](F f) {
             Bytes command = command_frame(mux, 2);
             command[0] |= wire::map_next_header;
             return f.among(command);
         },
         {{"rx_flow_enable", 1}, {"tx_answers", 1}}},
        {"CommandCut",
         [](F f) {
             Bytes command = command_frame(mux, 1);
             command.pop_back();
             return join({f.good(), command});
         },
         {{"rx_cut_frame", 1}},
         1},
        // Several at once: each is counted once.
        {"ManyFaults",
         [](F f) {
             return join({f.good(), f.raw(20, 16, 16), f.good(), f.frame(Bytes(60, 0x55)),
                          f.raw(0, 0, 0), f.frame(f.module.packet(), 0x85), f.good(),
                          f.raw(0, 65, 64)});
         },
         {{"rx_bad_pad", 1},
          {"rx_not_ip", 1},
          {"rx_bad_length", 1},
          {"rx_unknown_mux", 1},
          {"rx_cut_frame", 1}},
         3},
    };
    return all;
}

// One module for all the cases of a QMAP version: what a case leaves behind, others see.
class DownlinkFault : public testing::TestWithParam<std::pair<Qmap, Fault>> {
  protected:
    static void TearDownTestSuite() { module_.reset(); }
    void SetUp() override {
        if (!module_)
            module_ = std::make_unique<Module>(GetParam().first == Qmap::v5 ? "rm500q" : "eg12", 4);
    }
    Module &module() { return *module_; }

  private:
    static inline std::unique_ptr<Module> module_;
};

TEST_P(DownlinkFault, IsCountedAndCostsNothingElse) {
    const auto &[version, fault] = GetParam();
    Bench &bench = module().bench;
    module().delivered_before_next(); // the module is well
    bench.modem().take_commands();
    const Counters before = ethtool_counters(bench.master());
    const uint64_t bad_before =
        statistic(bench.master(), "rx_errors") + statistic(bench.master(), "rx_dropped");
    KernelLog log;

    bench.modem().inject_transfer(fault.transfer({version, module()}));
    EXPECT_EQ(module().delivered_before_next(), fault.delivered);

    Counters expected = fault.errors;
    expected["rx_datagrams"] = fault.delivered + fault.unread + 1;
    const bool empty = fault.errors.contains("rx_empty_transfer");
    expected["rx_transfers"] = empty ? 1 : 2;
    EXPECT_EQ(difference(before, ethtool_counters(bench.master())), expected);

    // ip -s link shows each error, too.
    uint64_t bad = 0;
    for (const auto &[name, value] : fault.errors)
        if (name.starts_with("rx_") && !name.starts_with("rx_flow") && name != "rx_unknown_command")
            bad += value;
    EXPECT_EQ(statistic(bench.master(), "rx_errors") + statistic(bench.master(), "rx_dropped") -
                  bad_before,
              bad);

    const bool answered = fault.errors.contains("tx_answers");
    std::vector<vmodem::MuxCommand> answers;
    wait_until([&] {
        for (auto &answer : bench.modem().take_commands())
            answers.push_back(answer);
        return !answered || !answers.empty();
    });
    ASSERT_EQ(answers.size(), answered);
    if (answered) {
        EXPECT_EQ(answers[0].type, fault.errors.contains("rx_flow_enable")   ? 1
                                   : fault.errors.contains("rx_unknown_mux") ? 3
                                                                             : 2);
    }
    EXPECT_EQ(bench.modem().uplink().violations, 0u) << bench.modem().uplink().first_violation;
    EXPECT_EQ(unexpected(log), std::vector<std::string>{});
}

std::vector<std::pair<Qmap, Fault>> faults_of(Qmap version) {
    std::vector<std::pair<Qmap, Fault>> chosen;
    for (const Fault &fault : faults())
        if (version == Qmap::v5 ? fault.v5 : fault.v1)
            chosen.emplace_back(version, fault);
    return chosen;
}

std::string fault_name(const testing::TestParamInfo<std::pair<Qmap, Fault>> &info) {
    return info.param.second.name;
}

INSTANTIATE_TEST_SUITE_P(V1, DownlinkFault, testing::ValuesIn(faults_of(Qmap::v1)), fault_name);
INSTANTIATE_TEST_SUITE_P(V5, DownlinkFault, testing::ValuesIn(faults_of(Qmap::v5)), fault_name);

// What holds for a version, on a module of its own.
class Downlink : public testing::TestWithParam<Qmap> {
  protected:
    Downlink() : module_(GetParam() == Qmap::v5 ? "rm500q" : "eg12", 4) {}

    Bench &bench() { return module_.bench; }
    Modem &modem() { return module_.bench.modem(); }
    Frames frames() const { return {GetParam(), module_}; }
    Counters counters() { return ethtool_counters(bench().master()); }

    Module module_;
};

std::string version_name(const testing::TestParamInfo<Qmap> &info) {
    return info.param == Qmap::v5 ? "v5" : "v1";
}

// An aggregate that fills the URB is ended by an empty transfer, which is no error.
TEST_P(Downlink, AggregateOfTheUrbsSize) {
    const size_t size = bench().own_format().dl_max_size;
    const Bytes frame = frames().frame(frames().sized(512 - (frames().v5() ? 8 : 4)));
    ASSERT_EQ(frame.size(), 512u);
    const Bytes aggregate = repeat(frame, size / frame.size());
    ASSERT_EQ(aggregate.size(), std::stoul(attribute(bench().master(), "qmap_size")));
    const Counters before = counters();

    for (unsigned i = 0; i < 5; i++) {
        modem().inject_transfer(aggregate);
        EXPECT_EQ(module_.delivered_before_next(), size / frame.size());
    }
    Counters expected = {{"rx_transfers", 10}, {"rx_datagrams", 5 * (size / frame.size() + 1)}};
    EXPECT_EQ(difference(before, counters()), expected);

    // Larger than the URB: the host has the rest in the next one, and can't know what it is.
    modem().inject_transfer(join({aggregate, frames().frame(frames().sized(600))}));
    EXPECT_EQ(module_.delivered_before_next(), size / frame.size() + 1);
    modem().inject_transfer(
        join({aggregate, Bytes(2)})); // no more than a header's half is left over
    EXPECT_EQ(module_.delivered_before_next(), size / frame.size());
    expected["rx_transfers"] += 6;
    expected["rx_datagrams"] += 2 * (size / frame.size()) + 1 + 2;
    expected["rx_cut_header"] = 1;
    EXPECT_EQ(difference(before, counters()), expected);
}

TEST_P(Downlink, FailedTransfers) {
    const unsigned pending = modem().pending_bulk_in();
    ASSERT_GT(pending, 1u);
    KernelLog log;
    for (const auto &[status, counter] : std::map<int, std::string>{{-EOVERFLOW, "rx_babble"},
                                                                    {-EPIPE, "rx_stall"},
                                                                    {-EPROTO, "rx_urb_error"},
                                                                    {-EILSEQ, "rx_urb_error"},
                                                                    {-ETIME, "rx_urb_error"}}) {
        for (unsigned burst : {1u, 20u}) {
            const Counters before = counters();
            for (unsigned i = 0; i < burst; i++)
                modem().inject_bulk_in_error(status);
            EXPECT_EQ(module_.delivered_before_next(), 0u) << status;
            Counters moved = difference(before, counters());
            // A halt fails all the URBs there are.
            if (status == -EPIPE) {
                EXPECT_GE(moved[counter], burst);
            } else {
                EXPECT_EQ(moved[counter], burst);
            }
            moved.erase(counter);
            EXPECT_EQ(moved, (Counters{{"rx_transfers", 1}, {"rx_datagrams", 1}})) << status;
            EXPECT_TRUE(wait_until([&] { return modem().pending_bulk_in() == pending; }))
                << modem().pending_bulk_in() << " of " << pending << " URBs after " << status;
        }
    }
    EXPECT_EQ(unexpected(log), std::vector<std::string>{});
}

TEST_P(Downlink, HaltUnderLoad) {
    constexpr uint64_t bytes = 3'000'000;
    std::string result;
    std::jthread download([&] { result = tcp_download(bench().pdn(1).ipv4(), bytes); });
    for (unsigned i = 1; i <= 5; i++) {
        EXPECT_TRUE(
            wait_until([&] { return modem().peer(mux).tcp_sourced_bytes >= i * bytes / 10; }));
        modem().inject_bulk_in_error(i % 2 ? -EPIPE : -EPROTO);
    }
    download.join();
    EXPECT_EQ(result, "");
}

// Packets lost with a failed bulk OUT transfer are counted, and those only.
TEST_P(Downlink, UplinkErrorsUnderLoad) {
    constexpr unsigned count = 1000;
    KernelLog log;
    modem().set_uplink_rate(10'000'000);
    auto lost = [&] { return statistic(bench().master(), "tx_errors"); };
    // Returns how many packets neither arrived nor are counted as lost; less than 0: both.
    auto flood_with = [&](const std::vector<int> &errors) {
        const uint64_t arrived_before = modem().peer(mux).udp_sunk_packets, lost_before = lost();
        auto arrived = [&] { return modem().peer(mux).udp_sunk_packets - arrived_before; };
        std::jthread flood([&] { EXPECT_EQ(udp_flood(bench().pdn(1).ipv4(), count, 1000), ""); });
        for (size_t i = 0; i < errors.size(); i++) {
            EXPECT_TRUE(wait_until([&] { return arrived() >= (i + 1) * count / 10; }));
            modem().inject_bulk_out_error(errors[i]);
        }
        flood.join();
        auto missing = [&] { return int64_t(count - arrived() - (lost() - lost_before)); };
        wait_until([&] { return missing() <= 0; });
        EXPECT_GT(lost(), lost_before);
        EXPECT_EQ(udp_echo(bench().pdn(1).ipv4(), 1000), "");
        return missing();
    };
    EXPECT_EQ(flood_with({-EPROTO, -EILSEQ, -ETIME}), 0);
    EXPECT_EQ(bench().counter("tx_urb_error"), 3u);
    EXPECT_EQ(bench().counter("tx_stall"), 0u);
    EXPECT_EQ(flood_with({-EPIPE, -EPIPE, -EPIPE}), 0);
    EXPECT_GE(bench().counter("tx_stall"), 3u);
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
    EXPECT_EQ(unexpected(log), std::vector<std::string>{});
}

// How many frames a walk along the lengths finds, the cut one at the end included.
uint64_t frames_in(ByteView rest, bool v5) {
    uint64_t frames = 0;
    while (!rest.empty()) {
        frames++;
        if (rest.size() < wire::map_header_size)
            break;
        size_t size = wire::map_header_size + (rest[2] << 8 | rest[3]);
        bool next = v5 && rest[0] & wire::map_next_header && !(rest[0] & wire::map_command);
        for (size_t at = wire::map_header_size; next; at += wire::checksum_header_size) {
            size += wire::checksum_header_size;
            if (at + wire::checksum_header_size > rest.size())
                return frames;
            next = rest[at] & 1;
        }
        if (size > rest.size())
            break;
        rest = rest.subspan(size);
    }
    return frames;
}

TEST_P(Downlink, MutatedAggregates) {
    constexpr unsigned transfers = 5000;
    std::mt19937 random(20240117);
    auto below = [&](size_t limit) { return size_t(random() % limit); };
    KernelLog log;
    const Counters before = counters();
    uint64_t frame_count = 0;
    for (unsigned i = 0; i < transfers; i++) {
        Bytes transfer;
        for (size_t n = 1 + below(5); n; n--) {
            const uint8_t mux_id = 0x81 + below(4);
            transfer =
                join({transfer, below(8) ? frames().frame(frames().sized(28 + below(300)), mux_id)
                                         : command_frame(mux_id, 1 + below(3))});
        }
        for (size_t n = below(6); n; n--)
            transfer[below(transfer.size())] = below(2) ? random() : 1 << below(8);
        // Headers are where it hurts.
        for (size_t n = below(3); n; n--)
            transfer[below(std::min<size_t>(transfer.size(), 8))] ^= 1 << below(8);
        if (!below(4))
            transfer.resize(1 + below(transfer.size()));
        frame_count += frames_in(transfer, frames().v5());
        modem().inject_transfer(std::move(transfer));
    }
    ASSERT_TRUE(modem().drain_downlink(10 * patience));
    // Whatever flow the fuzz stopped.
    for (const Pdn &pdn : bench().pdns())
        modem().send_command(pdn.mux_id, 2);
    frame_count += bench().pdns().size();
    while (module_.receiver->receive(100ms)) // make room
        ;
    module_.delivered_before_next(true);
    frame_count++;

    Counters moved = difference(before, counters());
    EXPECT_EQ(moved["rx_transfers"], transfers + bench().pdns().size() + 1);
    const uint64_t commands =
        moved["rx_flow_disable"] + moved["rx_flow_enable"] + moved["rx_unknown_command"];
    EXPECT_LE(moved["tx_answers"] + moved["tx_answer_dropped"], commands + moved["rx_unknown_mux"]);
    uint64_t counted = 0;
    for (const auto &[name, value] : moved)
        if (name.starts_with("rx_") && name != "rx_transfers")
            counted += value;
    EXPECT_EQ(counted, frame_count);
    for (const char *kind : {"rx_datagrams", "rx_cut_header", "rx_cut_frame", "rx_bad_length",
                             "rx_bad_pad", "rx_unknown_mux", "rx_not_ip", "rx_pdn_down",
                             "rx_unknown_command", "rx_bad_command", "rx_flow_disable"})
        EXPECT_GT(moved[kind], 0u) << kind;

    EXPECT_EQ(tcp_download(bench().pdn(1).ipv4(), 500'000), "");
    EXPECT_EQ(tcp_upload(bench().pdn(2).ipv4(), 500'000), "");
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
    EXPECT_EQ(unexpected(log), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Qmap, Downlink, testing::Values(Qmap::v1, Qmap::v5), version_name);

TEST(DownlinkPadding, BeforeThePacketInV5) {
    Module module("rm500q", 4);
    Bench &bench = module.bench;
    for (unsigned padding : {1, 4, 64, 255, 0}) {
        DataFormat format = bench.own_format();
        format.dl_minimum_padding = padding;
        bench.agree(format);
        const Counters before = ethtool_counters(bench.master());
        const Bytes good = data_frame(Qmap::v5, mux, module.packet(), padding);
        Bytes bad = map_header(wire::map_next_header, mux, padding);
        bad = join({bad, v5_header(), Bytes(padding)}); // nothing but padding
        bench.modem().inject_transfer(
            join({good, command_frame(mux, 2), good, padding ? bad : Bytes{}, good}));
        EXPECT_EQ(module.delivered_before_next(), 3u) << padding;
        Counters expected = {
            {"rx_transfers", 2}, {"rx_datagrams", 4}, {"rx_flow_enable", 1}, {"tx_answers", 1}};
        if (padding)
            expected["rx_bad_pad"] = 1;
        EXPECT_EQ(difference(before, ethtool_counters(bench.master())), expected) << padding;
        EXPECT_EQ(udp_echo(bench.pdn(2).ipv4(), 1000), "") << padding;
    }
}

TEST(DownlinkRawIp, MalformedTransfers) {
    Module module("ec25", 0);
    Bench &bench = module.bench;
    const Bytes good = module.packet();
    struct Case {
        Bytes transfer;
        Counters errors;
        unsigned delivered = 0;
    };
    const std::vector<Case> cases = {
        {good, none, 1},
        {{}, {{"rx_empty_transfer", 1}}},
        {Bytes(1, 0x45), {{"rx_not_ip", 1}}},
        {Bytes(19, 0x45), {{"rx_not_ip", 1}}},
        {Bytes(39, 0x60), {{"rx_not_ip", 1}}},
        {Bytes(300, 0xa5), {{"rx_not_ip", 1}}},
        {Bytes(512), {{"rx_not_ip", 1}}},
        {data_frame(Qmap::v1, mux, good), {{"rx_not_ip", 1}}},
        {module.packet(1492), none, 1},            // fills the URB
        {module.packet(1493), {{"rx_babble", 1}}}, // one byte more
        {module.packet(4000), {{"rx_babble", 1}}}, // far more
        {join({good, good}), none, 1},             // the second is trailing rubbish
        {join({good, Bytes(1)}), none, 1},
    };
    KernelLog log;
    unsigned number = 0;
    for (const Case &c : cases) {
        const Counters before = ethtool_counters(bench.master());
        bench.modem().inject_transfer(c.transfer);
        EXPECT_EQ(module.delivered_before_next(), c.delivered) << number;
        Counters expected = c.errors;
        const bool no_transfer =
            c.errors.contains("rx_empty_transfer") || c.errors.contains("rx_babble");
        expected["rx_transfers"] = no_transfer ? 1 : 2;
        expected["rx_datagrams"] = c.delivered + 1;
        EXPECT_EQ(difference(before, ethtool_counters(bench.master())), expected) << number;
        number++;
    }
    EXPECT_EQ(unexpected(log), std::vector<std::string>{});
    EXPECT_EQ(tcp_download(bench.pdn(1).ipv4(), 500'000), "");
}

} // namespace
} // namespace guest
