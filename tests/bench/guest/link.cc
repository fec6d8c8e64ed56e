// SPDX-License-Identifier: GPL-2.0
#include "link.h"

#include "../../dialler/data_call.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>

namespace bench {

using namespace dialler;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;
const std::string master = "wwan0";

std::string dotted(uint32_t address) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8)
        text += std::to_string(address >> shift & 0xff) + (shift ? "." : "");
    return text;
}

void wait_for(const std::string &what, const std::function<bool()> &there) {
    for (auto end = std::chrono::steady_clock::now() + patience; !there();) {
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error("no " + what);
        std::this_thread::sleep_for(20ms);
    }
}

// The n-th path, from 1, and the routes to what is behind it.
Path route(const std::string &netdev, unsigned n) {
    const uint32_t network = 10u << 24 | 200u << 16 | n << 8, hole = 240u << 24 | n << 16;
    run("ip route add " + dotted(network) + "/24 dev " + netdev);
    run("ip route add " + dotted(hole) + "/16 dev " + netdev);
    return {netdev, network | 1, hole | 1, true};
}

class DialledLink : public Link {
  public:
    explicit DialledLink(unsigned pdns) : driver_(master) {
        wait_for("module", [] { return !find_cdc_wdm(master).empty(); });
        // The in-tree driver starts out with 802.3.
        if (std::filesystem::exists("/sys/class/net/" + master + "/qmi/raw_ip"))
            run("echo Y >/sys/class/net/" + master + "/qmi/raw_ip");
        channel_.emplace(find_cdc_wdm(master));
        qmi_.emplace(*channel_);
        qmi_->sync();
        const DriverFacts facts = driver_.facts();
        apply_format(driver_, facts, agree_format(*qmi_, facts));
        driver_.set_up(master, true);
        for (unsigned pdn = 1; pdn <= pdns; pdn++)
            paths_.push_back(call(facts, pdn));
    }

    const std::vector<Path> &paths() const override { return paths_; }

  private:
    Path call(const DriverFacts &facts, unsigned pdn) {
        const MuxNetdev *mux = facts.mux_of(pdn);
        if (!mux && (facts.qmap_mode != 0 || pdn != 1))
            throw std::runtime_error("no netdev for PDN " + std::to_string(pdn));
        const std::string netdev = mux ? mux->name : master;
        calls_.push_back(
            std::make_unique<DataCall>(*qmi_, facts, mux ? mux->mux_id : 0, vmodem::IpFamily::v4));
        driver_.set_link_state(facts, pdn, true);
        driver_.set_up(netdev, true);
        run("ip addr add " + dotted(calls_.back()->settings().ipv4_host) + "/32 dev " + netdev);
        wait_for("link on " + netdev, [&] {
            return std::system(("ip link show dev " + netdev + " | grep -q LOWER_UP").c_str()) == 0;
        });
        return route(netdev, pdn);
    }

    Driver driver_;
    std::optional<CdcWdm> channel_;
    std::optional<QmiClient> qmi_;
    std::vector<std::unique_ptr<DataCall>> calls_;
    std::vector<Path> paths_;
};

class DummyLink : public Link {
  public:
    DummyLink() {
        run("ip link add sink type dummy");
        run("ip addr add 10.101.0.2/32 dev sink");
        run("ip link set sink up");
        paths_.push_back(route("sink", 1));
        paths_.back().answers = false;
    }

    const std::vector<Path> &paths() const override { return paths_; }

  private:
    std::vector<Path> paths_;
};

} // namespace

void be_patient(const Path &path) {
    run("! ip link show dev " + path.netdev +
        " | grep -q 'qdisc fq_codel' || /bin/tc qdisc replace dev " + path.netdev +
        " root fq_codel flows 1 target 10s interval 20s");
}

void expect_no_drops(const std::vector<Path> &paths) {
    for (const Path &path : paths)
        for (const char *name : {"rx_dropped", "rx_errors", "tx_dropped", "tx_errors"}) {
            std::ifstream file("/sys/class/net/" + path.netdev + "/statistics/" + name);
            uint64_t count;
            if (!(file >> count) || count > 0)
                throw std::runtime_error(path.netdev + ": " + name + " is " +
                                         std::to_string(count));
        }
}

void run(const std::string &command) {
    if (std::system(command.c_str()) != 0)
        throw std::runtime_error("failed: " + command);
}

std::unique_ptr<Link> dial(unsigned pdns) {
    return std::make_unique<DialledLink>(pdns);
}

std::unique_ptr<Link> dummy() {
    return std::make_unique<DummyLink>();
}

} // namespace bench
