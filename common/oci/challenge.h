/* SPDX-License-Identifier: Apache-2.0 */
/* How a registry wants us to prove who we are: its WWW-Authenticate headers. Pure text. */
#ifndef COMMON_OCI_CHALLENGE_H
#define COMMON_OCI_CHALLENGE_H

enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_kind kind;
	char realm[512];   /* BEARER: URL of the token server */
	char service[256];
	char scope[512];   /* may be "" */
};

/*
 * Reads one header value, which may hold several challenges, and improves *challenge: Bearer beats
 * Basic beats none. What it does not understand it passes over.
 */
void challenge_read(const char *header, struct challenge *challenge);

#endif
