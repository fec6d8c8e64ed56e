// SPDX-License-Identifier: GPL-2.0
// Plugs a virtual module into this machine, or a QEMU, and keeps it there until SIGINT or SIGTERM.
#include "../modem/modem.h"
#include "../modem/usbredir.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

using namespace vmodem;

namespace {

struct Settings {
    std::string profile = "ec25";
    UsbSpeed speed = UsbSpeed::high;
    unsigned usbnet = 0;
    std::string usbredir; // path of a socket; empty: vhci_hcd
};

std::vector<std::string> profile_names() {
    std::vector<std::string> names;
    for (const Profile &p : profiles())
        names.emplace_back(p.name);
    return names;
}

int run(const Settings &settings, UsbredirServer *server, const sigset_t &stop) {
    ModemOptions options;
    if (server)
        options.attach = server->attach();
    options.speed = settings.speed;
    options.usbnet = settings.usbnet;
    options.log = [](const std::string &line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    };
    Modem modem(*find_profile(settings.profile), options);
    modem.plug_in();
    int signal;
    sigwait(&stop, &signal);
    modem.unplug();
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    Settings settings;
    CLI::App app(
        "A virtual Quectel module, plugged into this machine by vhci_hcd, or into a QEMU.");
    app.add_option("--profile", settings.profile, "which module")
        ->check(CLI::IsMember(profile_names()))
        ->capture_default_str();
    app.add_option("--speed", settings.speed, "of the USB port")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, UsbSpeed>{{"high", UsbSpeed::high}, {"super", UsbSpeed::super}}))
        ->default_str("high");
    app.add_option("--usbnet", settings.usbnet,
                   "network-card type as in AT+QCFG=\"usbnet\": 0 QMI, 1 ECM, 2 MBIM, 3 RNDIS")
        ->check(CLI::Range(0, 3))
        ->capture_default_str();
    app.add_option("--usbredir", settings.usbredir,
                   "socket to create, for QEMU's -device usb-redir, instead of vhci_hcd");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &e) {
        return app.exit(e) ? 2 : 0;
    }

    // Blocked before the modem's thread starts, so that sigwait() gets them.
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    try {
        std::optional<UsbredirServer> server;
        if (!settings.usbredir.empty()) {
            server.emplace(settings.usbredir);
            while (!server->wait(std::chrono::hours(1)))
                ;
        }
        sigprocmask(SIG_BLOCK, &stop, nullptr);
        return run(settings, server ? &*server : nullptr, stop);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "vmodem: %s\n", e.what());
        return 1;
    }
}
