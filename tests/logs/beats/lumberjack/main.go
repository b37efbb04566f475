// Lumberjack is both ends of what Filebeat and Logstash speak, by Elastic's own library and with Go's TLS, as Filebeat:
//
//	lumberjack receive ADDRESS CA CERTIFICATE KEY   prints the events it takes, one a line; demands a certificate
//	lumberjack send ADDRESS NAME CA [CERTIFICATE KEY]   sends each line of stdin as an event to the server NAME
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	client "github.com/elastic/go-lumber/client/v2"
	server "github.com/elastic/go-lumber/server/v2"
)

const timeout = 30 * time.Second

func main() {
	log.SetFlags(0)
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 5 && arguments[0] == "receive":
		receive(arguments[1], arguments[2], arguments[3:])
	case len(arguments) >= 4 && arguments[0] == "send":
		send(arguments[1], arguments[2], arguments[3], arguments[4:])
	default:
		log.Fatal("lumberjack: receive ADDRESS CA CERTIFICATE KEY | send ADDRESS NAME CA [CERTIFICATE KEY]")
	}
}

func receive(address, authority string, pair []string) {
	listener, err := net.Listen("tcp", address)
	must(err)
	fmt.Fprintln(os.Stderr, "listening on", listener.Addr())
	secured := tls.NewListener(listener, &tls.Config{
		Certificates: read(pair),
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    trust(authority),
	})
	lumber, err := server.NewWithListener(secured, server.Timeout(timeout), server.Keepalive(3*time.Second))
	must(err)
	for batch := range lumber.ReceiveChan() {
		for _, event := range batch.Events {
			line, err := json.Marshal(event)
			must(err)
			fmt.Println(string(line))
		}
		batch.ACK()
	}
}

func send(address, name, authority string, pair []string) {
	connection, err := tls.Dial("tcp", address, &tls.Config{
		ServerName: name, RootCAs: trust(authority), Certificates: read(pair),
	})
	must(err)
	lumber, err := client.NewSyncClientWithConn(connection, client.Timeout(timeout))
	must(err)
	var events []interface{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var event map[string]interface{}
		must(json.Unmarshal(lines.Bytes(), &event))
		events = append(events, event)
	}
	must(lines.Err())
	count, err := lumber.Send(events)
	must(err)
	fmt.Println(count)
}

func read(pair []string) []tls.Certificate {
	if len(pair) == 0 {
		return nil
	}
	certificate, err := tls.LoadX509KeyPair(pair[0], pair[1])
	must(err)
	return []tls.Certificate{certificate}
}

func trust(path string) *x509.CertPool {
	content, err := os.ReadFile(path)
	must(err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		log.Fatalf("lumberjack: %s holds no certificate", path)
	}
	return pool
}

func must(err error) {
	if err != nil {
		log.Fatal("lumberjack: ", err)
	}
}
