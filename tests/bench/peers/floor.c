/* The floor: copies photos from one HTTP server to another with as little work as there can be. One thread a photo in
   flight, blocking sockets. Usage: floor <get port> <put port> <photos> <in flight>; prints seconds and CPU seconds. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 20 };
static int get_port, put_port, photos;
static atomic_int next_photo, failures;

static int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, handle = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return connect(handle, (struct sockaddr *)&to, sizeof to) ? -1 : handle;
}

static int send_all(int handle, const char *bytes, size_t size) {
  while (size) {
    ssize_t sent = send(handle, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0) return -1;
    bytes += sent, size -= sent;
  }
  return 0;
}

/* Read one answer; its body begins at *body. Returns the body's length, -1 on an error. */
static long receive(int handle, char *room, char **body) {
  size_t have = 0;
  char *end = NULL;
  while (!end) {
    ssize_t got = recv(handle, room + have, ROOM - 1 - have, 0);
    if (got <= 0) return -1;
    have += got, room[have] = 0, end = strstr(room, "\r\n\r\n");
  }
  if (strncmp(room + 9, "2", 1)) return -1;
  char *length = strcasestr(room, "content-length:");
  size_t size = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
  *body = end + 4;
  while (have < (size_t)(*body - room) + size) {
    ssize_t got = recv(handle, room + have, ROOM - 1 - have, 0);
    if (got <= 0) return -1;
    have += got;
  }
  return (long)size;
}

static void *carry(void *unused) {
  char *room = malloc(ROOM), head[512], *body;
  int from = dial(get_port), to = dial(put_port), n;
  (void)unused;
  while ((n = next_photo++) < photos) {
    int size = snprintf(head, sizeof head, "GET /photos/%d.jpg HTTP/1.1\r\nHost: bench\r\n\r\n", n);
    long length = send_all(from, head, size) ? -1 : receive(from, room, &body);
    size = snprintf(head, sizeof head, "PUT /bucket/floor/%d.jpg HTTP/1.1\r\nHost: bench\r\nContent-Length: %ld\r\n\r\n",
                    n, length);
    if (length < 0 || send_all(to, head, size) || send_all(to, body, length) || receive(to, room, &body) < 0) failures++;
  }
  return NULL;
}

int main(int count, char **words) {
  if (count != 5) return 2;
  get_port = atoi(words[1]), put_port = atoi(words[2]), photos = atoi(words[3]);
  int in_flight = atoi(words[4]);
  pthread_t *threads = calloc(in_flight, sizeof *threads);
  struct timespec begin, end;
  struct rusage used;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int n = 0; n < in_flight; n++) pthread_create(threads + n, NULL, carry, NULL);
  for (int n = 0; n < in_flight; n++) pthread_join(threads[n], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  getrusage(RUSAGE_SELF, &used);
  printf("%f %f\n", end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9,
         used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
  return failures ? 1 : 0;
}
