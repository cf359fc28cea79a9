// A minimal proxy with Fiber: what one would write to strip a prefix and pass requests on.
package main

import (
	"crypto/tls"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/proxy"
	"github.com/valyala/fasthttp"
)

func main() {
	backend := os.Getenv("BACKEND")
	client := &fasthttp.Client{
		NoDefaultUserAgentHeader: true,
		MaxConnsPerHost:          4096,
		ReadTimeout:              20 * time.Second,
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, StreamRequestBody: true})
	app.All("/api/*", func(c *fiber.Ctx) error {
		return proxy.Do(c, backend+strings.TrimPrefix(c.OriginalURL(), "/api"), client)
	})
	go func() { log.Fatal(app.Listen(os.Getenv("PLAIN"))) }()
	pair, err := tls.LoadX509KeyPair(os.Getenv("CERT"), os.Getenv("KEY"))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", os.Getenv("TLS"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(app.Listener(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}})))
}
