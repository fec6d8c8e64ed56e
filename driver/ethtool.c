// SPDX-License-Identifier: GPL-2.0
/* ethtool: driver information and the named counters. */
#include <linux/ethtool.h>

#include "qmiq.h"

static const char qmiq_counter_names[QMIQ_NR_COUNTERS][ETH_GSTRING_LEN] = {
	[QMIQ_RX_TRANSFERS] = "rx_transfers",
	[QMIQ_RX_DATAGRAMS] = "rx_datagrams",
	[QMIQ_RX_EMPTY_TRANSFER] = "rx_empty_transfer",
	[QMIQ_RX_CUT_HEADER] = "rx_cut_header",
	[QMIQ_RX_CUT_FRAME] = "rx_cut_frame",
	[QMIQ_RX_BAD_LENGTH] = "rx_bad_length",
	[QMIQ_RX_BAD_PAD] = "rx_bad_pad",
	[QMIQ_RX_BAD_V5_TYPE] = "rx_bad_v5_type",
	[QMIQ_RX_UNKNOWN_MUX] = "rx_unknown_mux",
	[QMIQ_RX_NOT_IP] = "rx_not_ip",
	[QMIQ_RX_PDN_DOWN] = "rx_pdn_down",
	[QMIQ_RX_NO_MEMORY] = "rx_no_memory",
	[QMIQ_RX_DISCARDED] = "rx_discarded",
	[QMIQ_RX_BABBLE] = "rx_babble",
	[QMIQ_RX_STALL] = "rx_stall",
	[QMIQ_RX_URB_ERROR] = "rx_urb_error",
	[QMIQ_RX_FLOW_DISABLE] = "rx_flow_disable",
	[QMIQ_RX_FLOW_ENABLE] = "rx_flow_enable",
	[QMIQ_RX_UNKNOWN_COMMAND] = "rx_unknown_command",
	[QMIQ_RX_BAD_COMMAND] = "rx_bad_command",
	[QMIQ_TX_TRANSFERS] = "tx_transfers",
	[QMIQ_TX_DATAGRAMS] = "tx_datagrams",
	[QMIQ_TX_NOT_IP] = "tx_not_ip",
	[QMIQ_TX_TOO_LONG] = "tx_too_long",
	[QMIQ_TX_NO_PDN] = "tx_no_pdn",
	[QMIQ_TX_PDN_DOWN] = "tx_pdn_down",
	[QMIQ_TX_NO_MEMORY] = "tx_no_memory",
	[QMIQ_TX_DISCARDED] = "tx_discarded",
	[QMIQ_TX_STALL] = "tx_stall",
	[QMIQ_TX_URB_ERROR] = "tx_urb_error",
	[QMIQ_TX_ANSWERS] = "tx_answers",
	[QMIQ_TX_ANSWER_DROPPED] = "tx_answer_dropped",
};

static int qmiq_get_sset_count(struct net_device *netdev, int sset)
{
	return sset == ETH_SS_STATS ? QMIQ_NR_COUNTERS : -EOPNOTSUPP;
}

static void qmiq_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		memcpy(data, qmiq_counter_names, sizeof(qmiq_counter_names));
}

static void qmiq_get_ethtool_stats(struct net_device *netdev,
				   struct ethtool_stats *stats, u64 *data)
{
	struct qmiq_dev *q = qmiq_of_master(netdev);
	unsigned int i;

	for (i = 0; i < QMIQ_NR_COUNTERS; i++)
		data[i] = READ_ONCE(q->counters[i]);
}

const struct ethtool_ops qmiq_master_ethtool_ops = {
	.get_drvinfo		= usbnet_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_ts_info		= ethtool_op_get_ts_info,
	.get_sset_count		= qmiq_get_sset_count,
	.get_strings		= qmiq_get_strings,
	.get_ethtool_stats	= qmiq_get_ethtool_stats,
};

static void qmiq_mux_get_drvinfo(struct net_device *netdev,
				 struct ethtool_drvinfo *info)
{
	usbnet_get_drvinfo(qmiq_port_of(netdev)->q->netdev, info);
}

const struct ethtool_ops qmiq_mux_ethtool_ops = {
	.get_drvinfo		= qmiq_mux_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_ts_info		= ethtool_op_get_ts_info,
};
