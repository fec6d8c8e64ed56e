// SPDX-License-Identifier: GPL-2.0
#include "other_drivers.h"

#include "file_descriptor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace {

constexpr uint32_t first_mux_id = 0x81;

// 0 or the errno.
int write_file(const std::filesystem::path &path, const std::string &text) {
    const FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && write(fd.get(), text.data(), text.size()) == ssize_t(text.size()) ? 0 : errno;
}

std::string reason_of(int code) {
    return code == EPERM || code == EACCES ? "only root may" : strerror(code);
}

} // namespace

Status tell_in_tree_driver(const Module &module, const WdaFormat &agreed,
                           const std::filesystem::path &sysfs) {
    const std::filesystem::path netdev = sysfs / "class/net" / module.netdev;
    const bool raw_ip = agreed.link_protocol == LinkProtocol::raw_ip;
    if (agreed.link_protocol && module.files.raw_ip != raw_ip) {
        const int code = write_file(netdev / "qmi/raw_ip", raw_ip ? "Y" : "N");
        if (code == EBUSY)
            return failure(fmt::format("the framing of {0} can't be changed while it is up: 'ip "
                                       "link set {0} down' first",
                                       module.netdev),
                           code);
        if (code)
            return failure(
                fmt::format("can't set raw_ip of {}: {}", module.netdev, reason_of(code)), code);
    }
    if (agreed.dl_aggregation.value_or(0) == 0 || !agreed.dl_max_size)
        return {};
    if (const int code = write_file(netdev / "mtu", std::to_string(*agreed.dl_max_size)))
        return failure(fmt::format("can't set the MTU of {} to {}, the size of DL transfers: {}",
                                   module.netdev, *agreed.dl_max_size, reason_of(code)),
                       code);
    return {};
}

qmi_wwan_q_format vendors_format(const Module &module, const WdaFormat &agreed) {
    return {.size = sizeof(qmi_wwan_q_format),
            .rx_urb_size = agreed.dl_max_size.value_or(module.files.qmap_size.value_or(0)),
            .ep_type = endpoint_of(module).type,
            .iface_id = module.interface,
            .mux_id = first_mux_id,
            .ul_max_datagrams = agreed.ul_max_datagrams.value_or(1),
            .ul_max_size = agreed.ul_max_size.value_or(0),
            .dl_minimum_padding = agreed.dl_minimum_padding.value_or(0)};
}

Status tell_vendors_driver(const Module &module, const WdaFormat &agreed) {
    ifreq request{};
    qmi_wwan_q_format format = vendors_format(module, agreed);
    const FileDescriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::ranges::copy(module.netdev.substr(0, sizeof(request.ifr_name) - 1), request.ifr_name);
    request.ifr_data = reinterpret_cast<char *>(&format);
    if (ioctl(fd.get(), QMI_WWAN_Q_IOC_SET_FORMAT, &request) == 0)
        return {};
    const int code = errno;
    return failure(fmt::format("can't tell the vendor's driver of {} the data format: {}",
                               module.netdev, reason_of(code)),
                   code);
}
