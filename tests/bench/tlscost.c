/*
 * tlscost - what OpenSSL costs the server side of a connection, without a network: handshakes
 * (full, resumed), memory of an idle connection, encryption by record size.
 */
#include <malloc.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static SSL_CTX *server_ctx(EVP_PKEY *key)
{
    X509 *x = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_sign(x, key, EVP_sha256());
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(c, x);
    SSL_CTX_use_PrivateKey(c, key);
    SSL_CTX_set_session_id_context(c, (const unsigned char *)"t", 1);
    X509_free(x);
    return c;
}

struct pair {
    SSL *s, *c;
};

static struct pair open_pair(SSL_CTX *sc, SSL_CTX *cc, SSL_SESSION *sess, double *server)
{
    struct pair p = {SSL_new(sc), SSL_new(cc)};
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
    BIO_up_ref(a);
    BIO_up_ref(b);
    SSL_set_bio(p.s, a, b);
    SSL_set_bio(p.c, b, a);
    SSL_set_accept_state(p.s);
    SSL_set_connect_state(p.c);
    if (sess)
        SSL_set_session(p.c, sess);
    for (int i = 0; i < 10; i++) {
        int r1 = SSL_do_handshake(p.c);
        double t = cpu();
        int r2 = SSL_do_handshake(p.s);
        *server += cpu() - t;
        if (r1 == 1 && r2 == 1)
            break;
    }
    char x[16];
    SSL_read(p.c, x, sizeof x); /* takes in the tickets */
    return p;
}

static void close_pair(struct pair p)
{ /* an end freed without a shutdown would spoil its session */
    SSL_set_shutdown(p.s, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(p.c, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p.s);
    SSL_free(p.c);
}

static size_t in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

enum { HANDSHAKES = 400, PAIRS = 500, BATCH = 65536 };

static void handshakes(const char *name, EVP_PKEY *key)
{
    SSL_CTX *sc = server_ctx(key), *cc = SSL_CTX_new(TLS_client_method());
    SSL_SESSION *session = NULL;
    double full = 0, resumed = 0;
    int reused = 0;

    SSL_CTX_set_verify(cc, SSL_VERIFY_NONE, NULL);
    for (int i = 0; i < HANDSHAKES; i++) {
        struct pair p = open_pair(sc, cc, NULL, &full);

        if (!session && SSL_get_session(p.c))
            session = SSL_get1_session(p.c);
        close_pair(p);
    }
    printf("%s: full handshake %.0f us of server CPU (TLS 1.3)\n", name, full / HANDSHAKES * 1e6);
    for (int i = 0; i < HANDSHAKES; i++) {
        struct pair p = open_pair(sc, cc, session, &resumed);

        reused += SSL_session_reused(p.s);
        SSL_SESSION_free(session);
        session = SSL_get1_session(p.c);
        close_pair(p);
    }
    printf("%s: resumed handshake %.0f us of server CPU (%d of %d resumed)\n", name,
           resumed / HANDSHAKES * 1e6, reused, HANDSHAKES);
    SSL_SESSION_free(session);
    EVP_PKEY_free(key);
    SSL_CTX_free(sc);
    SSL_CTX_free(cc);
}

static struct pair open_used_pair(SSL_CTX *sc, SSL_CTX *cc)
{
    double t = 0;
    struct pair p = open_pair(sc, cc, NULL, &t);
    char x[32];

    SSL_write(p.c, "PING\r\n", 6);
    SSL_read(p.s, x, sizeof x);
    SSL_write(p.s, "PONG\r\n", 6);
    SSL_read(p.c, x, sizeof x);
    SSL_read(p.s, x, sizeof x); /* drained: buffers may go */
    return p;
}

static void idle_memory(const char *name, SSL_CTX *sc, SSL_CTX *cc)
{
    static struct pair pairs[PAIRS];
    size_t both = in_use(), before, server;

    for (int i = 0; i < PAIRS; i++)
        pairs[i] = open_used_pair(sc, cc);
    before = in_use();
    both = before - both;
    for (int i = 0; i < PAIRS; i++)
        SSL_free(pairs[i].s);
    server = before - in_use();
    for (int i = 0; i < PAIRS; i++)
        SSL_free(pairs[i].c);
    printf("idle server connection%s: %.1f KiB (both ends %.1f)\n", name,
           (double)server / PAIRS / 1024, (double)both / PAIRS / 1024);
}

static void records(struct pair p, size_t size)
{
    static char buf[BATCH], out[BATCH];
    double w = 0, r = 0, count, gib;
    size_t bytes = 0;

    while (w + r < 1.0) {
        double begun = cpu();

        for (size_t k = 0; k < BATCH; k += size)
            SSL_write(p.s, buf, (int)size);
        w += cpu() - begun;
        while (SSL_read(p.c, out, BATCH) > 0) {
        }
        for (size_t k = 0; k < BATCH; k += size)
            SSL_write(p.c, buf, (int)size);
        begun = cpu();
        while (SSL_read(p.s, out, BATCH) > 0) {
        }
        r += cpu() - begun;
        bytes += BATCH;
    }
    count = (double)bytes / (double)size;
    gib = (double)bytes / (1 << 30);
    printf("records of %5zu B: write %6.0f ns each, %.3f CPU-s a GiB; read %6.0f ns each, "
           "%.3f CPU-s a GiB\n",
           size, w / count * 1e9, w / gib, r / count * 1e9, r / gib);
}

int main(void)
{
    static const size_t sizes[] = {64, 256, 1024, 4096, 16384};
    SSL_CTX *sc, *cc;
    struct pair p;
    double t = 0;

    handshakes("ECDSA P-256", EVP_EC_gen("P-256"));
    handshakes("RSA-2048", EVP_RSA_gen(2048));
    sc = server_ctx(EVP_EC_gen("P-256"));
    cc = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(cc, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(cc, SSL_MODE_RELEASE_BUFFERS);
    idle_memory("", sc, cc);
    SSL_CTX_set_mode(sc, SSL_MODE_RELEASE_BUFFERS);
    idle_memory(", RELEASE_BUFFERS", sc, cc);
    SSL_CTX_set_num_tickets(sc, 0);
    idle_memory(", RELEASE_BUFFERS, no tickets", sc, cc);
    p = open_pair(sc, cc, NULL, &t);
    printf("cipher %s\n", SSL_get_cipher(p.s));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        records(p, sizes[i]);
    close_pair(p);
    return 0;
}
