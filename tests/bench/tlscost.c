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

int main(void)
{
    for (int k = 0; k < 2; k++) {
        EVP_PKEY *key = k ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
        SSL_CTX *sc = server_ctx(key), *cc = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(cc, SSL_VERIFY_NONE, NULL);
        double t = 0;
        int n = 400;
        SSL_SESSION *sess = NULL;
        for (int i = 0; i < n; i++) {
            struct pair p = open_pair(sc, cc, NULL, &t);
            if (!sess && SSL_get_session(p.c))
                sess = SSL_get1_session(p.c);
            close_pair(p);
        }
        printf("%s: full handshake %.0f us of server CPU (%s)\n", k ? "RSA-2048" : "ECDSA P-256",
               t / n * 1e6, "TLS 1.3");
        t = 0;
        int reused = 0;
        for (int i = 0; i < n; i++) {
            struct pair p = open_pair(sc, cc, sess, &t);
            reused += SSL_session_reused(p.s);
            SSL_SESSION_free(sess);
            sess = SSL_get1_session(p.c);
            close_pair(p);
        }
        printf("%s: resumed handshake %.0f us of server CPU (%d of %d resumed)\n",
               k ? "RSA-2048" : "ECDSA P-256", t / n * 1e6, reused, n);
        SSL_SESSION_free(sess);
        EVP_PKEY_free(key);
        SSL_CTX_free(sc);
        SSL_CTX_free(cc);
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    SSL_CTX *sc = server_ctx(key), *cc = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(cc, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(cc, SSL_MODE_RELEASE_BUFFERS);
    for (int rel = 0; rel < 3; rel++) {
        if (rel)
            SSL_CTX_set_mode(sc, SSL_MODE_RELEASE_BUFFERS);
        if (rel == 2)
            SSL_CTX_set_num_tickets(sc, 0);
        enum { N = 500 };
        static struct pair p[N];
        double t = 0;
        size_t both = in_use();
        for (int i = 0; i < N; i++) {
            p[i] = open_pair(sc, cc, NULL, &t);
            char x[32];
            SSL_write(p[i].c, "PING\r\n", 6);
            SSL_read(p[i].s, x, sizeof x);
            SSL_write(p[i].s, "PONG\r\n", 6);
            SSL_read(p[i].c, x, sizeof x);
            SSL_read(p[i].s, x, sizeof x); /* drained: buffers may go */
        }
        both = in_use() - both;
        size_t before = in_use();
        for (int i = 0; i < N; i++)
            SSL_free(p[i].s);
        size_t s = before - in_use();
        for (int i = 0; i < N; i++)
            SSL_free(p[i].c);
        printf("idle server connection%s%s: %.1f KiB (both ends %.1f)\n",
               rel ? ", RELEASE_BUFFERS" : "", rel == 2 ? ", no tickets" : "", (double)s / N / 1024,
               (double)both / N / 1024);
    }
    size_t sz[] = {64, 256, 1024, 4096, 16384};
    char *buf = malloc(65536), *out = malloc(65536);
    memset(buf, 'x', 65536);
    double t = 0;
    struct pair p = open_pair(sc, cc, NULL, &t);
    printf("cipher %s\n", SSL_get_cipher(p.s));
    for (size_t i = 0; i < 5; i++) {
        double w = 0, r = 0;
        size_t bytes = 0;
        while (w + r < 1.0) {
            size_t k = 0;
            double a = cpu();
            for (; k < 65536; k += sz[i])
                SSL_write(p.s, buf, (int)sz[i]);
            w += cpu() - a;
            while (SSL_read(p.c, out, 65536) > 0) {
            }
            for (k = 0; k < 65536; k += sz[i])
                SSL_write(p.c, buf, (int)sz[i]);
            a = cpu();
            while (SSL_read(p.s, out, 65536) > 0) {
            }
            r += cpu() - a;
            bytes += 65536;
        }
        printf("records of %5zu B: write %6.0f ns each, %.3f CPU-s a GiB; read %6.0f ns each, %.3f "
               "CPU-s a GiB\n",
               sz[i], w / ((double)bytes / (double)sz[i]) * 1e9, w / ((double)bytes / (1 << 30)),
               r / ((double)bytes / (double)sz[i]) * 1e9, r / ((double)bytes / (1 << 30)));
    }
    close_pair(p);
    return 0;
}
