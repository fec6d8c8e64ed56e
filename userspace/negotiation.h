// SPDX-License-Identifier: GPL-2.0
#pragma once

// The data format: what a module is asked for, whether the driver can work with what it answers,
// and how both come to the same, or stay as they were.

#include "kernel.h"
#include "modem.h"

#include <string>
#include <vector>

// What the driver uses, in WDA's terms. What it has no use for, or does not tell, is left out.
WdaFormat used_format(const Module &module);

// What to ask for, as the driver's mode and the module's family have it.
WdaFormat suitable_format(const Module &module);

// A request for what the module has, but for `changes`.
WdaFormat changed_format(const WdaFormat &has, const WdaFormat &changes);

// What the driver is to be told once the module has answered so; empty: nothing. The error is a
// reason only: why the driver can't work with that answer.
Result<WdaFormat> format_for_driver(const Module &module, const WdaFormat &asked,
                                    const WdaFormat &answered);

// Whether module, which has that format, and driver agree already on what could be asked for.
bool in_agreement(const Module &module, const WdaFormat &has, const WdaFormat &wanted);

// Asks, and hands what was answered to the driver. If either does not want it, the module is set
// back to `before`; the error then says so. Signals that would end the program wait meanwhile.
Result<WdaFormat> agree(Kernel &kernel, Modem &modem, const Module &module, const WdaFormat &before,
                        const WdaFormat &asked);

// Where module and driver differ.
struct Mismatch {
    std::string field; // key of format_fields() in format_text.h
    std::string problem;
};
std::vector<Mismatch> mismatches(const Module &module, const WdaFormat &has);
