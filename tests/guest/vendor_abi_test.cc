// SPDX-License-Identifier: GPL-2.0
// The vendor driver's files and private ioctls: what existing programs rely on, and what they must
// not be able to do.
#include "bench.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace guest {
namespace {

std::string path_of(const std::string &netdev, const std::string &file) {
    return "/sys/class/net/" + netdev + "/" + file;
}

// As quectel-CM writes: a fixed number of bytes, whatever the text's length.
std::string padded(const std::string &text, size_t size, char rest) {
    std::string bytes = text + '\n' + '\0';
    bytes.resize(size, rest);
    return bytes;
}

void append_u32(Bytes &bytes, uint32_t value) {
    for (int i = 0; i < 4; i++)
        bytes.push_back(value >> 8 * i & 0xff);
}

// The 164 bytes that 0x89F3 gives, put together by hand.
Bytes expected_info(Bench &bench, uint32_t size, uint32_t version, uint32_t padding = 0) {
    Bytes bytes;
    for (uint32_t value : {164u, size, 2u, 4u, bench.mode(), version, padding})
        append_u32(bytes, value);
    for (const Pdn &pdn : bench.pdns()) {
        bytes.insert(bytes.end(), pdn.netdev.begin(), pdn.netdev.end());
        bytes.resize(28 + 16 * pdn.number);
    }
    bytes.resize(156);
    for (const Pdn &pdn : bench.pdns())
        bytes.push_back(pdn.mux_id);
    bytes.resize(164);
    return bytes;
}

// A buffer of 164 bytes, each of which is to be overwritten, and one behind it that is not.
Bytes info_of(const Bench &bench) {
    Bytes bytes(165, 0xee);
    EXPECT_EQ(bench.private_ioctl(0x89f3, bytes.data()), 0);
    EXPECT_EQ(bytes.back(), 0xee);
    bytes.pop_back();
    return bytes;
}

class Info : public testing::TestWithParam<std::tuple<const char *, unsigned, uint32_t, uint32_t>> {
};

TEST_P(Info, ByteByByte) {
    const auto &[profile, mode, size, version] = GetParam();
    LoadedDriver driver("qmap_mode=" + std::to_string(mode));
    Bench bench(profile, mode);
    EXPECT_EQ(info_of(bench), expected_info(bench, size, version));
    EXPECT_EQ(attribute(bench.master(), "qmap_mode"), std::to_string(mode));
    EXPECT_EQ(attribute(bench.master(), "qmap_size"), std::to_string(size));
}

INSTANTIATE_TEST_SUITE_P(Families, Info,
                         testing::Values(std::tuple{"ec25", 1, 4096, 5},
                                         std::tuple{"ec25", 4, 4096, 5},
                                         std::tuple{"eg12", 8, 16384, 5},
                                         std::tuple{"rm500q", 1, 31744, 9},
                                         std::tuple{"rm500q", 4, 31744, 9}));

TEST(VendorAbi, FilesAndTheirModes) {
    LoadedDriver driver("qmap_mode=2");
    Bench bench("ec25", 2);
    const std::string mux = bench.pdn(1).netdev;
    for (const char *file : {"qmap_mode", "qmap_size"}) {
        EXPECT_EQ(mode_of(path_of(bench.master(), file)), 0444u) << file;
        EXPECT_EQ(mode_of(path_of(mux, file)), 0u) << file;
    }
    EXPECT_EQ(mode_of(path_of(bench.master(), "link_state")), 0644u);
    for (const std::string &netdev : {bench.master(), mux})
        for (const char *file : {"bridge_mode", "bridge_ipv4"})
            EXPECT_EQ(mode_of(path_of(netdev, file)), 0644u) << netdev << " " << file;
    EXPECT_EQ(attribute(bench.master(), "qmap_mode"), "2");
    EXPECT_EQ(attribute(bench.master(), "qmap_size"), "4096");
    EXPECT_EQ(attribute(bench.master(), "link_state"), "0x0");
    EXPECT_EQ(attribute(mux, "bridge_mode"), "0");
    EXPECT_EQ(attribute(mux, "bridge_ipv4"), "0.0.0.0");
}

TEST(VendorAbi, NothingOfQmapInModeZero) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    Bytes buffer(256, 0xee);
    EXPECT_EQ(bench.private_ioctl(0x89f3, buffer.data()), EOPNOTSUPP);
    EXPECT_EQ(buffer, Bytes(256, 0xee));
    EXPECT_EQ(bench.set_format({32, 4096, 2, 4, 0x81, 11, 4096, 0}), EOPNOTSUPP);
    EXPECT_EQ(attribute(bench.master(), "qmap_mode"), "0");
    EXPECT_EQ(attribute(bench.master(), "qmap_size"), "1520");
}

TEST(VendorAbi, UnknownIoctlsAreNotSupported) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    Bytes buffer(256);
    for (unsigned number : {0x89f0, 0x89f4, 0x89f5, 0x89f6, 0x89ff})
        EXPECT_EQ(bench.private_ioctl(number, buffer.data()), EOPNOTSUPP) << std::hex << number;
}

TEST(VendorAbi, BadPointersAreRefused) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    // The last bytes of a page with nothing behind it: too short for any of the three.
    const size_t page = sysconf(_SC_PAGESIZE);
    auto *pages = static_cast<uint8_t *>(
        mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(pages, MAP_FAILED);
    ASSERT_EQ(munmap(pages + page, page), 0);
    for (void *bad : {static_cast<void *>(nullptr), reinterpret_cast<void *>(8),
                      reinterpret_cast<void *>(~0ull << 20), static_cast<void *>(pages + page - 3)})
        for (unsigned number : {0x89f1, 0x89f2, 0x89f3})
            EXPECT_EQ(bench.private_ioctl(number, bad), EFAULT) << bad << std::hex << number;
    munmap(pages, page);
    EXPECT_EQ(attribute(bench.master(), "link_state"), "0x1");
}

// ---- link_state

TEST(LinkState, ModesZeroAndOneTakeAnyNumberForUp) {
    for (unsigned mode : {0, 1}) {
        LoadedDriver driver("qmap_mode=" + std::to_string(mode));
        Bench bench("ec25", mode);
        const std::string master = bench.master();
        ASSERT_EQ(set_up(master, true), 0);
        EXPECT_TRUE(carrier(master)); // before anybody told
        EXPECT_EQ(attribute(master, "link_state"), "0x1");
        for (const char *up : {"1\n", "0x82\n", "7", "0777\n", "0xffffffff\n"}) {
            EXPECT_EQ(write_file(path_of(master, "link_state"), "0\n"), 0);
            EXPECT_FALSE(carrier(master)) << up;
            EXPECT_EQ(attribute(master, "link_state"), "0x0");
            EXPECT_EQ(write_file(path_of(master, "link_state"), up), 0) << up;
            EXPECT_TRUE(carrier(master)) << up;
            EXPECT_EQ(attribute(master, "link_state"), "0x1") << up;
        }
        EXPECT_EQ(bench.set_link_state(0), 0);
        EXPECT_FALSE(carrier(master));
        EXPECT_EQ(bench.set_link_state(1), 0);
        EXPECT_TRUE(carrier(master));
    }
}

// Master and mux netdevs up; each netdev's carrier is then to be read.
void set_all_up(const Bench &bench) {
    ASSERT_EQ(set_up(bench.master(), true), 0);
    for (const Pdn &pdn : bench.pdns())
        ASSERT_EQ(set_up(pdn.netdev, true), 0);
}

// The PDNs that are up, by what each interface says.
void expect_links(const Bench &bench, unsigned bits) {
    EXPECT_EQ(std::strtoul(attribute(bench.master(), "link_state").c_str(), nullptr, 16), bits);
    EXPECT_EQ(carrier(bench.master()), bits != 0) << std::hex << bits;
    for (const Pdn &pdn : bench.pdns())
        EXPECT_EQ(carrier(pdn.netdev), bool(bits & 1u << (pdn.number - 1)))
            << pdn.netdev << std::hex << bits;
}

TEST(LinkState, EachPdnDrivesItsCarrierAndAnyTheMasters) {
    LoadedDriver driver("qmap_mode=4");
    Bench bench("ec25", 4);
    set_all_up(bench);
    expect_links(bench, 0);
    const std::string file = path_of(bench.master(), "link_state");
    struct Step {
        const char *text;
        unsigned bits;
    };
    for (const Step &step :
         {Step{"1\n", 1}, Step{"0x2\n", 3}, Step{"04\n", 0xb}, Step{"3", 0xf}, Step{"3\n", 0xf},
          Step{"0x81\n", 0xe}, Step{"0x81\n", 0xe}, Step{"0203\n", 0xa}, Step{"132\n", 2},
          Step{"130\n", 0}, Step{"0x84\n", 0}, Step{"4\n", 8}}) {
        EXPECT_EQ(write_file(file, step.text), 0) << step.text;
        expect_links(bench, step.bits);
    }
    EXPECT_EQ(attribute(bench.master(), "link_state"), "0x8");
    EXPECT_EQ(bench.set_link_state(0x84), 0);
    expect_links(bench, 0);
    EXPECT_EQ(bench.set_link_state(2), 0);
    expect_links(bench, 2);
}

TEST(LinkState, QuectelCmsWritesAreUnderstood) {
    LoadedDriver driver("qmap_mode=4");
    Bench bench("ec25", 4);
    set_all_up(bench);
    const std::string file = path_of(bench.master(), "link_state");
    EXPECT_EQ(write_file(file, padded("2", 128, '\xc3')), 0);
    expect_links(bench, 2);
    EXPECT_EQ(write_file(file, padded("0x4", 128, '9')), 0);
    expect_links(bench, 0xa);
    EXPECT_EQ(write_file(file, padded("0x82", 128, '\n')), 0);
    expect_links(bench, 8);
    EXPECT_EQ(write_file(file, std::string("132\0xyz", 7)), 0); // no newline at all
    expect_links(bench, 0);
    // What it does after its last 'down'.
    EXPECT_EQ(attribute(bench.master(), "link_state"), "0x0");
}

TEST(LinkState, BadValuesChangeNothing) {
    LoadedDriver driver("qmap_mode=4");
    Bench bench("ec25", 4);
    set_all_up(bench);
    const std::string file = path_of(bench.master(), "link_state");
    ASSERT_EQ(write_file(file, "2\n"), 0);
    for (const char *bad : {"0\n", "5\n", "0x80\n", "0x85\n", "0xff\n", "0x100\n", "0x101\n",
                            "0x4294967297\n", "4294967298\n", "-1\n", "\n", " \n", "x\n", "2 1\n",
                            "2x\n", "08\n", "0x\n", "00000000000000000000000000000001\n"}) {
        EXPECT_EQ(write_file(file, bad), EINVAL) << bad;
        expect_links(bench, 2);
    }
    for (uint32_t bad : {0u, 5u, 0x80u, 0x85u, 0xffu, 0x100u, 0x102u, 0x80000002u, ~0u}) {
        EXPECT_EQ(bench.set_link_state(bad), EINVAL) << bad;
        expect_links(bench, 2);
    }
}

TEST(LinkState, IsReadableButNotWritableForAnybody) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    for (const char *file : {"link_state", "bridge_mode", "bridge_ipv4"}) {
        const std::string path = path_of(bench.master(), file);
        EXPECT_EQ(without_capabilities([&] { return write_file(path, "0\n"); }), EPERM) << file;
        EXPECT_EQ(without_capabilities([&] { return read_file(path) ? 0 : EACCES; }), 0) << file;
    }
    EXPECT_EQ(attribute(bench.master(), "link_state"), "0x1");
}

// ---- 0x89F2

class Format : public testing::TestWithParam<std::tuple<const char *, unsigned>> {
  protected:
    // UL packets that wait for the module share transfers, as far as 'datagrams' says.
    static void expect_aggregates_of(Bench &bench, unsigned datagrams) {
        const Pdn &pdn = bench.pdns().back();
        bench.modem().hold_uplink(true);
        const auto sunk = [&] { return bench.modem().peer(pdn.mux_id).udp_sunk_packets; };
        const uint64_t before = sunk();
        EXPECT_EQ(udp_flood(pdn.ipv4(), 100, 20), "");
        bench.modem().hold_uplink(false);
        EXPECT_TRUE(wait_until([&] { return sunk() >= before + 100; }));
        EXPECT_EQ(bench.modem().uplink().max_datagrams, datagrams);
        EXPECT_EQ(bench.modem().uplink().violations, 0u) << bench.modem().uplink().first_violation;
    }
};

TEST_P(Format, AbsurdValuesAreRefusedAndChangeNothing) {
    const auto &[profile, mode] = GetParam();
    LoadedDriver driver("qmap_mode=" + std::to_string(mode));
    Bench bench(profile, mode);
    bench.connect_all();
    const Bytes info = info_of(bench);
    const uint32_t size = bench.own_format().dl_max_size;

    for (const qmi_wwan_q_format &bad : {
             qmi_wwan_q_format{0, size, 2, 4, 0x81, 3, 4096, 0},
             qmi_wwan_q_format{31, size, 2, 4, 0x81, 3, 4096, 0},
             qmi_wwan_q_format{33, size, 2, 4, 0x81, 3, 4096, 0},
             qmi_wwan_q_format{~0u, size, 2, 4, 0x81, 3, 4096, 0},
             qmi_wwan_q_format{32, 65537, 2, 4, 0x81, 3, 4096, 0},
             qmi_wwan_q_format{32, 1u << 31, 2, 4, 0x81, 3, 4096, 0},
             qmi_wwan_q_format{32, ~0u, 2, 4, 0x81, 3, 4096, 0},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, 0, 0},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, 1, 0},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, 100, 0},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, 1500, 0},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, 65537, 0},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, ~0u, 0},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, 4096, 256},
             qmi_wwan_q_format{32, size, 2, 4, 0x81, 3, 4096, ~0u},
         }) {
        EXPECT_EQ(bench.set_format(bad), EINVAL)
            << bad.size << " " << bad.rx_urb_size << " " << bad.ul_max_size << " "
            << bad.dl_minimum_padding;
        EXPECT_EQ(info_of(bench), info);
    }
    // Not even the limit of 3 packets that stood beside them.
    const auto &limits = bench.modem().profile().limits;
    expect_aggregates_of(bench, limits.ul_max_datagrams);
    const Pdn &pdn = bench.pdns().front();
    EXPECT_EQ(tcp_download(pdn.ipv4(), 200'000), "");
    EXPECT_EQ(tcp_upload(pdn.ipv4(), 200'000), "");
    EXPECT_EQ(bench.modem().uplink().violations, 0u) << bench.modem().uplink().first_violation;
}

TEST_P(Format, IsFollowed) {
    const auto &[profile, mode] = GetParam();
    LoadedDriver driver("qmap_mode=" + std::to_string(mode));
    Bench bench(profile, mode);
    // Nothing told yet: one packet a transfer.
    DataFormat format = bench.own_format();
    bench.modem().set_format(format);
    for (const Pdn &pdn : bench.pdns())
        bench.connect(pdn);
    expect_aggregates_of(bench, 1);
    format.ul_max_datagrams = 5;
    bench.agree(format);
    expect_aggregates_of(bench, 5);
}

TEST_P(Format, CanGrowTheDownlink) {
    const auto &[profile, mode] = GetParam();
    LoadedDriver driver("qmap_mode=" + std::to_string(mode));
    Bench bench(profile, mode);
    bench.connect_all();
    DataFormat format = bench.own_format();
    format.dl_max_size = 65536;
    bench.agree(format);
    EXPECT_EQ(attribute(bench.master(), "qmap_size"), "65536");
    EXPECT_EQ(tcp_download(bench.pdn(1).ipv4(), 500'000), "");
    // It does not shrink, and 0 leaves it.
    for (uint32_t less : {0u, 1u, 4096u}) {
        EXPECT_EQ(bench.set_format({32, less, 2, 4, 0x81, 1, 0, 0}), 0);
        EXPECT_EQ(attribute(bench.master(), "qmap_size"), "65536");
    }
    EXPECT_EQ(tcp_download(bench.pdn(1).ipv4(), 500'000), "");
    EXPECT_EQ(bench.counter("rx_babble"), 0u);
}

TEST_P(Format, NeedsCapNetAdmin) {
    const auto &[profile, mode] = GetParam();
    LoadedDriver driver("qmap_mode=" + std::to_string(mode));
    Bench bench(profile, mode);
    const Bytes info = info_of(bench);
    const qmi_wwan_q_format format{32, 65536, 2, 4, 0x81, 5, 4096, 4};
    EXPECT_EQ(without_capabilities([&] { return bench.set_format(format); }), EPERM);
    EXPECT_EQ(without_capabilities([&] { return bench.set_link_state(1); }), EPERM);
    // Not even as far as looking at the pointer.
    EXPECT_EQ(without_capabilities([&] { return bench.private_ioctl(0x89f2, nullptr); }), EPERM);
    EXPECT_EQ(without_capabilities([&] {
                  qmi_wwan_q_info got;
                  return bench.get_info(got);
              }),
              0);
    EXPECT_EQ(info_of(bench), info);
}

INSTANTIATE_TEST_SUITE_P(Families, Format,
                         testing::Values(std::tuple{"ec25", 1}, std::tuple{"ec25", 4},
                                         std::tuple{"rm500q", 4}));

TEST(VendorAbi, TakesWhatQuectelCmSends) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("rm500q", 1);
    Bytes sent = {0x20, 0, 0, 0, 0,    0x7c, 0, 0, 2, 0,    0, 0, 4, 0, 0, 0,
                  0x81, 0, 0, 0, 0x0b, 0,    0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0};
    ASSERT_EQ(bench.private_ioctl(0x89f2, sent.data()), 0);
    EXPECT_EQ(info_of(bench), expected_info(bench, 31744, 9));
    // 11 x 4096 it is from now on.
    DataFormat format = bench.own_format();
    format.ul_max_datagrams = 11;
    format.ul_max_size = 4096;
    bench.modem().set_format(format);
    bench.connect(bench.pdn(1));
    EXPECT_EQ(tcp_upload(bench.pdn(1).ipv4(), 500'000), "");
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
    EXPECT_GT(up.max_datagrams, 1u);
    EXPECT_LE(up.max_transfer, 4096u);
}

TEST(VendorAbi, DownlinkPaddingIsShownAndFollowed) {
    LoadedDriver driver("qmap_mode=4");
    Bench bench("rm500q", 4);
    DataFormat format = bench.own_format();
    format.dl_minimum_padding = 20;
    bench.agree(format);
    EXPECT_EQ(info_of(bench), expected_info(bench, 31744, 9, 20));
    bench.connect(bench.pdn(2));
    EXPECT_EQ(tcp_download(bench.pdn(2).ipv4(), 200'000), "");
    EXPECT_EQ(ping(bench.pdn(2).ipv4(), 1), "");
}

// ---- bridge files

TEST(VendorAbi, BridgeFiles) {
    LoadedDriver driver("qmap_mode=2");
    Bench bench("ec25", 2);
    for (const std::string &netdev : {bench.master(), bench.pdn(1).netdev, bench.pdn(2).netdev}) {
        const std::string mode = path_of(netdev, "bridge_mode");
        EXPECT_EQ(write_file(mode, padded("01", 16, '\0')), 0) << netdev;
        EXPECT_EQ(attribute(netdev, "bridge_mode"), "1");
        EXPECT_EQ(write_file(mode, padded("00", 16, '\0')), 0) << netdev;
        EXPECT_EQ(attribute(netdev, "bridge_mode"), "0");
        EXPECT_EQ(write_file(mode, "1"), 0);
        for (const char *bad : {"x\n", "\n", "1 1\n"})
            EXPECT_EQ(write_file(mode, bad), EINVAL) << bad;
        EXPECT_EQ(attribute(netdev, "bridge_mode"), "1");

        const std::string ipv4 = path_of(netdev, "bridge_ipv4");
        EXPECT_EQ(write_file(ipv4, padded("0x0a650002", 16, '\0')), 0) << netdev;
        EXPECT_EQ(attribute(netdev, "bridge_ipv4"), "10.101.0.2");
        EXPECT_EQ(write_file(ipv4, "c0a80101\n"), 0);
        EXPECT_EQ(attribute(netdev, "bridge_ipv4"), "192.168.1.1");
        for (const char *bad : {"x\n", "\n", "10.0.0.1\n", "0xc0a8010100\n"})
            EXPECT_EQ(write_file(ipv4, bad), EINVAL) << bad;
        EXPECT_EQ(attribute(netdev, "bridge_ipv4"), "192.168.1.1");
    }
}

TEST(VendorAbi, BridgeModeParameterIsABitForEachPdn) {
    LoadedDriver driver("qmap_mode=4 bridge_mode=5");
    Bench bench("ec25", 4);
    for (const Pdn &pdn : bench.pdns())
        EXPECT_EQ(attribute(pdn.netdev, "bridge_mode"), pdn.number % 2 ? "1" : "0") << pdn.netdev;
    Bench nr("rm500q", 4);
    EXPECT_EQ(attribute(nr.pdn(3).netdev, "bridge_mode"), "1");
}

} // namespace
} // namespace guest
