// SPDX-License-Identifier: GPL-2.0
#include "bench.h"

#include "command.h"

#include <sstream>

int Bench::run(std::vector<const char *> arguments) {
    std::ostringstream output, errors;
    Cli cli({kernel, modem, output});
    add_commands(cli);
    arguments.insert(arguments.begin(), "qmapctl");
    const int status = cli.run(arguments.size(), arguments.data(), errors);
    out = output.str();
    err = errors.str();
    return status;
}

Module ec25() {
    Module module;
    module.usb_path = "1-1:1.4";
    module.vendor_id = 0x2c7c;
    module.product_id = 0x0125;
    module.model = "Quectel EC25";
    module.serial = "a1b2c3";
    module.usb_speed = 480;
    module.interface = 4;
    module.driver = "qmi_wwan_q";
    module.control = "/dev/cdc-wdm0";
    module.netdev = "wwan0";
    module.ifindex = 10;
    module.up = true;

    module.q.emplace();
    module.q->family = "mdm9x07";
    module.q->mode = 4;
    module.q->link_state = 1;
    module.q->format = {.link_protocol = LinkProtocol::raw_ip,
                        .qmap = Aggregation::qmap,
                        .rx_urb_size = 4096,
                        .ul_max_datagrams = 11,
                        .ul_max_size = 4096,
                        .agreed = true};
    for (unsigned number = 1; number <= 4; number++) {
        Pdn pdn;
        pdn.mux_id = 0x80 + number;
        pdn.ifindex = module.ifindex + number;
        pdn.netdev = fmt::format("wwan0.{}", number);
        pdn.mtu = 1500;
        module.pdns.push_back(pdn);
    }
    Pdn &first = module.pdns.front();
    first.up = first.carrier = true;
    first.addresses = {"10.101.0.2/30", "2001:db8:1::2/64"};
    first.rx = {1000, 1'300'000, 0, 0};
    first.tx = {500, 40'000, 0, 3};
    return module;
}

Module rm500q() {
    Module module;
    module.usb_path = "2-1:1.4";
    module.vendor_id = 0x2c7c;
    module.product_id = 0x0800;
    module.model = "Quectel RM500Q-GL";
    module.usb_speed = 5000;
    module.interface = 4;
    module.driver = "qmi_wwan_q";
    module.control = "/dev/cdc-wdm1";
    module.netdev = "wwan1";
    module.ifindex = 20;

    module.q.emplace();
    module.q->family = "sdx55";
    module.q->mode = 1;
    module.q->format = {.link_protocol = LinkProtocol::raw_ip,
                        .qmap = Aggregation::qmap_v5,
                        .rx_urb_size = 31744,
                        .ul_max_datagrams = 1,
                        .ul_max_size = 1500};
    Pdn pdn;
    pdn.mux_id = 0x81;
    pdn.ifindex = module.ifindex;
    pdn.netdev = module.netdev;
    pdn.mtu = 1500;
    module.pdns.push_back(pdn);
    return module;
}
