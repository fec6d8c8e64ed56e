/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The version of driver and qmapctl. tests/version-test holds to it the files
 * that can't include this one.
 */
#define QMIQ_VERSION "0.1.0"
