// SPDX-License-Identifier: GPL-2.0
#include "command.h"
#include "kernel_linux.h"

#include <iostream>

namespace {

class NoModem : public Modem {
  public:
    Result<WdaFormat> data_format(const Endpoint &) override { return failure("not there yet"); }
    Result<WdaFormat> set_data_format(const Endpoint &, const WdaFormat &) override {
        return failure("not there yet");
    }
};

} // namespace

int main(int argc, char **argv) {
    LinuxKernel kernel;
    NoModem modem;
    Cli cli({kernel, modem, std::cout});
    add_commands(cli);
    return cli.run(argc, argv, std::cerr);
}
