// SPDX-License-Identifier: GPL-2.0
// libqmi's own qmicli and qmi-proxy, as a distribution ships them, over the in-tree driver's files.
#include "../dialler/qmi_channel.h"
#include "../modem/file_descriptor.h"
#include "bench.h"
#include "stress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <regex>
#include <thread>

namespace guest {
namespace {

struct Case {
    const char *profile;
    const char *driver_name;
    unsigned mode;        // that the module has without being asked
    const char *protocol; // of aggregation, in qmicli's words
    const char *rmnet_flags;

    friend void PrintTo(const Case &s, std::ostream *out) {
        *out << s.profile << " " << s.driver_name;
    }
};

class Qmicli : public testing::TestWithParam<Case> {
  protected:
    const Case &setup() const { return GetParam(); }
    Bench &bench() { return bench_; }
    // libqmi knows the control channel of a driver of any other name only if it is told.
    bool by_itself() const { return std::string(setup().driver_name) == "qmi_wwan"; }

    struct Result {
        int status;
        std::string output, errors;
    };
    Result try_qmicli(const std::string &arguments) {
        const std::string output = "/tmp/qmicli.output", errors = "/tmp/qmicli.errors";
        const int status = run("qmicli -d " + dialler::find_cdc_wdm(bench_.master()) +
                               (by_itself() ? " " : " --device-open-qmi ") + arguments + " >" +
                               output + " 2>" + errors);
        return {status, read_file(output).value_or(""), read_file(errors).value_or("")};
    }
    // Over the proxy; what it prints. It must succeed.
    std::string qmicli(const std::string &arguments) {
        const Result result = try_qmicli("-p " + arguments);
        EXPECT_EQ(result.status, 0) << "qmicli " << arguments << ": " << result.errors;
        return result.output;
    }

    void agree() {
        const std::string text = qmicli(
            std::string("--wda-set-data-format=link-layer-protocol=raw-ip,ul-protocol=") +
            setup().protocol + ",dl-protocol=" + setup().protocol +
            ",dl-datagram-max-size=31744,dl-max-datagrams=64,ep-type=hsusb,ep-iface-number=4");
        const auto &limits = bench_.modem().profile().limits;
        expect_value(text, "Link layer protocol", "raw-ip");
        expect_value(text, "Uplink data aggregation protocol", setup().protocol);
        expect_value(text, "Downlink data aggregation protocol", setup().protocol);
        expect_value(text, "Downlink data aggregation max size",
                     std::to_string(limits.dl_max_size));
    }
    // A call of that mux id, 0 for none; true once the module says so.
    bool start(unsigned mux_id) {
        std::string client;
        if (mux_id)
            client = "--client-cid=" +
                     value_of(qmicli("--wds-bind-mux-data-port=mux-id=" + std::to_string(mux_id) +
                                     ",ep-type=hsusb,ep-iface-number=4 --client-no-release-cid"),
                              "CID");
        const std::string text = qmicli("--wds-start-network=apn=internet,ip-type=4 " + client +
                                        " --client-no-release-cid");
        client_ = "--client-cid=" + value_of(text, "CID");
        handle_ = value_of(text, "Packet data handle");
        return qmicli("--wds-get-packet-service-status --client-no-release-cid " + client_)
                   .find("Connection status: 'connected'") != std::string::npos;
    }
    void stop() { qmicli("--wds-stop-network=" + handle_ + " " + client_); }
    const std::string &client() const { return client_; }

    // Mux netdev, or whatever libqmi has made in the data format that it expects.
    Pdn add_link(const std::string &prefix, uint8_t mux_id, const std::string &flags = "") {
        const std::string text =
            qmicli("--link-add=iface=" + bench_.master() + ",prefix=" + prefix +
                   ",mux-id=" + std::to_string(mux_id) + flags);
        std::smatch name;
        if (!std::regex_search(text, name, std::regex("iface name: (\\S+)")))
            ADD_FAILURE() << text;
        return {mux_id & 0x7fu, name[1], mux_id};
    }

    static std::string value_of(const std::string &text, const std::string &key) {
        std::smatch found;
        if (std::regex_search(text, found, std::regex(key + ": +'([^']*)'")))
            return found[1];
        ADD_FAILURE() << "no " << key << " in: " << text;
        return "";
    }
    static void expect_value(const std::string &text, const std::string &key,
                             const std::string &value) {
        EXPECT_EQ(value_of(text, key), value) << key;
    }

  private:
    LoadedModule rmnet_{"rmnet"};
    LoadedDriver driver_{std::string("driver_name=") + setup().driver_name};
    Bench bench_{setup().profile, setup().mode};
    // Open all the time, as a connection manager has it: the proxy closes the node after each
    // qmicli, and closing it for the last time can cost cdc-wdm the notification of an indication
    // that comes just then. The indication would be read in place of the next answer.
    vmodem::FileDescriptor held_{
        open(dialler::find_cdc_wdm(bench_.master()).c_str(), O_RDONLY | O_CLOEXEC)};
    std::string client_, handle_;
};

TEST_P(Qmicli, DataFormat) {
    const Result result = try_qmicli("--dms-get-manufacturer");
    EXPECT_EQ(result.status, 0) << result.errors;
    EXPECT_NE(result.output.find("Manufacturer: 'Quectel'"), std::string::npos) << result.output;
    // What the driver's name is for.
    EXPECT_EQ(result.errors.find("unexpected usb driver") == std::string::npos, by_itself())
        << result.errors;

    qmicli("--set-expected-data-format=802-3");
    EXPECT_EQ(qmicli("--get-expected-data-format"), "802-3");
    qmicli("--set-expected-data-format=raw-ip");
    EXPECT_EQ(attribute(bench().master(), "qmi/raw_ip"), "Y");

    agree();
    const std::string got = qmicli("--wda-get-data-format=ep-type=hsusb,ep-iface-number=4");
    const DataFormat format = bench().modem().format();
    EXPECT_TRUE(format.agreed);
    expect_value(got, "Link layer protocol", "raw-ip");
    expect_value(got, "Uplink data aggregation protocol", setup().protocol);
    expect_value(got, "Downlink data aggregation max datagrams",
                 std::to_string(format.dl_max_datagrams));
    expect_value(got, "Downlink data aggregation max size", std::to_string(format.dl_max_size));
}

TEST_P(Qmicli, Links) {
    const std::string &master = bench().master();
    agree();
    const Pdn one = add_link("link", 2), other = add_link("link", 129);
    EXPECT_NE(qmicli("--link-list=" + master).find("found 2 links"), std::string::npos);
    ASSERT_EQ(set_up(master, true), 0);
    ASSERT_EQ(set_up(other.netdev, true), 0);
    EXPECT_TRUE(start(other.mux_id));
    ASSERT_TRUE(take_lease(other.netdev));
    expect_traffic(bench(), other);

    qmicli("--link-delete=link-iface=" + one.netdev + ",mux-id=2");
    EXPECT_FALSE(exists(one.netdev));
    expect_traffic(bench(), other);
    EXPECT_EQ(bench().modem().uplink().violations, 0u) << bench().modem().uplink().first_violation;
    stop();
    EXPECT_NE(ping(other.ipv4(), 56, 200ms), "");
    qmicli("--link-delete-all=" + master);
    EXPECT_FALSE(exists(other.netdev));
}

// Which makes and takes the MAP frames then.
TEST_P(Qmicli, PassThroughToRmnet) {
    const std::string &master = bench().master();
    qmicli("--set-expected-data-format=qmap-pass-through");
    agree();
    const Pdn pdn = add_link("rmnet", 2, setup().rmnet_flags);
    EXPECT_EQ(attribute(pdn.netdev, "mtu"), "1496");
    ASSERT_EQ(set_up(master, true), 0);
    ASSERT_EQ(set_up(pdn.netdev, true), 0);
    EXPECT_TRUE(start(pdn.mux_id));
    add_address(pdn.netdev, "10.102.0.2/30");
    expect_traffic(bench(), pdn);
    EXPECT_EQ(udp_echo(pdn.ipv4(), 1468), ""); // to the last byte of the MTU
    EXPECT_EQ(bench().modem().peer(pdn.mux_id).bad_packets, 0u);
    EXPECT_EQ(bench().counter("rx_babble"), 0u);
    EXPECT_EQ(bench().counter("tx_too_long"), 0u);

    // With a netdev on top of it that is not ours.
    bench().modem().unplug();
    EXPECT_TRUE(wait_until([&] { return !exists(pdn.netdev) && !exists(master); }));
}

INSTANTIATE_TEST_SUITE_P(Names, Qmicli,
                         testing::Values(Case{"ec25", "qmi_wwan_q", 0, "qmap", ""},
                                         Case{"rm500q", "qmi_wwan", 1, "qmapv5",
                                              ",flags='ingress-map-cksumv5|egress-map-cksumv5'"}),
                         [](const auto &info) { return std::string(info.param.driver_name); });

class QmicliWithoutQmap : public Qmicli {};

TEST_P(QmicliWithoutQmap, Calls) {
    const Pdn pdn{0, bench().master(), 0};
    for (const std::string protocol : {"802-3", "raw-ip"}) {
        ASSERT_EQ(set_up(pdn.netdev, false), 0);
        qmicli("--set-expected-data-format=" + protocol);
        expect_value(qmicli("--wda-set-data-format=" + protocol), "Link layer protocol", protocol);
        ASSERT_EQ(set_up(pdn.netdev, true), 0);
        EXPECT_TRUE(start(0));
        const std::string settings =
            qmicli("--wds-get-current-settings --client-no-release-cid " + client());
        EXPECT_NE(settings.find("IPv4 address: 10.100.0.2"), std::string::npos) << settings;
        ASSERT_TRUE(take_lease(pdn.netdev));
        expect_traffic(bench(), pdn);
        stop();
        EXPECT_NE(ping(pdn.ipv4(), 56, 200ms), "");
    }
    EXPECT_EQ(bench().modem().uplink().violations, 0u) << bench().modem().uplink().first_violation;
}

INSTANTIATE_TEST_SUITE_P(Names, QmicliWithoutQmap,
                         testing::Values(Case{"ec25", "qmi_wwan", 0, "", ""}),
                         [](const auto &info) { return std::string(info.param.driver_name); });

} // namespace
} // namespace guest
