// SPDX-License-Identifier: GPL-2.0
// dial -n PDN [-4] [-6] [DEV]: agrees the data format with the module, starts calls on that PDN,
// brings its netdev up and stays until SIGINT or SIGTERM; then hangs up.
// Exits 0 when told to, 1 when something failed or the network hung up, 2 on wrong usage.
#include "../dialler/data_call.h"

#include <arpa/inet.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

using namespace dialler;

namespace {

struct Arguments {
    unsigned pdn = 1;
    std::vector<IpFamily> families;
    std::string device = "wwan0";
};

[[noreturn]] void usage() {
    std::fprintf(stderr, "usage: dial [-n PDN] [-4] [-6] [DEV]\n");
    std::exit(2);
}

Arguments parse(int argc, char **argv) {
    Arguments arguments;
    for (int option; (option = getopt(argc, argv, "n:46")) != -1;) {
        if (option == 'n')
            arguments.pdn = static_cast<unsigned>(std::atoi(optarg));
        else if (option == '4')
            arguments.families.push_back(IpFamily::v4);
        else if (option == '6')
            arguments.families.push_back(IpFamily::v6);
        else
            usage();
    }
    if (optind < argc)
        arguments.device = argv[optind++];
    if (optind < argc || arguments.pdn < 1 || arguments.pdn > 0x7e)
        usage();
    if (arguments.families.empty())
        arguments.families.push_back(IpFamily::v4);
    return arguments;
}

void print(const DataFormat &format, const DriverFacts &facts) {
    std::printf("link_prot %u\n", static_cast<unsigned>(format.link_protocol));
    std::printf("ul_data_aggregation_protocol %u\n", static_cast<unsigned>(format.ul));
    std::printf("dl_data_aggregation_protocol %u\n", static_cast<unsigned>(format.dl));
    std::printf("dl_data_aggregation_max_datagrams %u\n", format.dl_max_datagrams);
    std::printf("dl_data_aggregation_max_size %u\n", format.dl_max_size);
    std::printf("ul_data_aggregation_max_datagrams %u\n", format.ul_max_datagrams);
    std::printf("ul_data_aggregation_max_size %u\n", format.ul_max_size);
    std::printf("rx_urb_size %u\n", facts.rx_urb_size);
}

std::string ipv4_text(uint32_t address) {
    const in_addr in{htonl(address)};
    char text[INET_ADDRSTRLEN];
    return inet_ntop(AF_INET, &in, text, sizeof(text));
}

std::string ipv6_text(const std::array<uint8_t, 16> &address) {
    char text[INET6_ADDRSTRLEN];
    return inet_ntop(AF_INET6, address.data(), text, sizeof(text));
}

void print(const PdnAddressing &settings, IpFamily family) {
    if (family == IpFamily::v4)
        std::printf("address %s netmask %s gateway %s dns %s %s mtu %u\n",
                    ipv4_text(settings.ipv4_host).c_str(), ipv4_text(settings.ipv4_netmask).c_str(),
                    ipv4_text(settings.ipv4_gateway).c_str(), ipv4_text(settings.ipv4_dns1).c_str(),
                    ipv4_text(settings.ipv4_dns2).c_str(), settings.mtu);
    else
        std::printf("address %s/%u gateway %s dns %s %s mtu %u\n",
                    ipv6_text(settings.ipv6_host).c_str(), settings.ipv6_prefix_length,
                    ipv6_text(settings.ipv6_gateway).c_str(), ipv6_text(settings.ipv6_dns1).c_str(),
                    ipv6_text(settings.ipv6_dns2).c_str(), settings.mtu);
}

const char *version_of(IpFamily family) {
    return family == IpFamily::v4 ? "IPv4" : "IPv6";
}

void print_status(IpFamily family, bool connected) {
    std::printf("requestQueryDataCall %sConnectionStatus: %s\n", version_of(family),
                connected ? "CONNECTED" : "DISCONNECTED");
}

std::unique_ptr<DataCall> dial(QmiClient &qmi, const DriverFacts &facts, uint8_t mux_id,
                               IpFamily family) {
    auto call = std::make_unique<DataCall>(qmi, facts, mux_id, family);
    std::printf("Get clientWDS = %u\n", call->client());
    std::printf("requestSetupDataCall Wds%sHandle: 0x%08x\n",
                family == IpFamily::v4 ? "ConnectionIPv4" : "ConnectionIPv6", call->handle());
    print_status(family, call->connected());
    print(call->settings(), family);
    return call;
}

// Returns the exit status: 0 after one of the signals, 1 when no call is left.
int stay(const std::vector<std::unique_ptr<DataCall>> &calls, const sigset_t &signals) {
    size_t up = calls.size();
    while (up > 0) {
        const timespec at_once{};
        if (sigtimedwait(&signals, nullptr, &at_once) > 0)
            return 0;
        for (const auto &call : calls) {
            const auto connected = call->wait_status(std::chrono::milliseconds(200));
            if (!connected)
                continue;
            print_status(call->family(), *connected);
            if (!*connected)
                up--;
        }
    }
    return 1;
}

int run(const Arguments &arguments, const sigset_t &signals) {
    const Driver driver(arguments.device);
    const DriverFacts facts = driver.facts();
    const MuxNetdev *mux = facts.mux_of(arguments.pdn);
    if (!mux && (facts.qmap_mode != 0 || arguments.pdn != 1)) {
        std::fprintf(stderr, "dial: %s has no netdev for PDN %u\n", arguments.device.c_str(),
                     arguments.pdn);
        return 1;
    }
    const uint8_t mux_id = mux ? mux->mux_id : 0;
    const std::string netdev = mux ? mux->name : arguments.device;
    const std::string node = find_cdc_wdm(arguments.device);
    if (node.empty()) {
        std::fprintf(stderr, "dial: %s has no QMI channel\n", arguments.device.c_str());
        return 1;
    }
    std::printf("Find usbnet_adapter = %s\nFind qmichannel = %s\n", arguments.device.c_str(),
                node.c_str());
    std::printf("qmap_mode = %u, qmap_version = %u, muxid = 0x%02x, qmap_netcard = %s\n",
                facts.qmap_mode, facts.qmap_version, mux_id, netdev.c_str());

    CdcWdm channel(node);
    QmiClient qmi(channel);
    qmi.sync();
    const DataFormat format = agree_format(qmi, facts);
    print(format, facts);
    apply_format(driver, facts, format);

    std::vector<std::unique_ptr<DataCall>> calls;
    for (const IpFamily family : arguments.families)
        calls.push_back(dial(qmi, facts, mux_id, family));

    driver.set_up(arguments.device, true);
    std::printf("ifconfig %s up\n", arguments.device.c_str());
    if (netdev != arguments.device) {
        driver.set_up(netdev, true);
        std::printf("ifconfig %s up\n", netdev.c_str());
    }
    driver.set_link_state(facts, arguments.pdn, true);

    const int status = stay(calls, signals);
    driver.set_link_state(facts, arguments.pdn, false);
    calls.clear();
    std::printf("hung up\n");
    return status;
}

} // namespace

int main(int argc, char **argv) {
    const Arguments arguments = parse(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    try {
        return run(arguments, signals);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "dial: %s\n", error.what());
        return 1;
    }
}
