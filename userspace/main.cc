// SPDX-License-Identifier: GPL-2.0
#include "command.h"
#include "kernel_linux.h"
#include "modem_libqmi.h"

#include <iostream>

int main(int argc, char **argv) {
    LinuxKernel kernel;
    LibqmiModem modem([](const std::string &note) { std::cerr << "qmapctl: " << note << '\n'; });
    Cli cli({kernel, modem, std::cout});
    add_commands(cli);
    return cli.run(argc, argv, std::cerr);
}
