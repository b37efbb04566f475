// Ask Grafana's data source for Elasticsearch as Grafana does, and print the frames that it answers with.
//
// Built inside a checkout of the data source: see __main__.py.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	elasticsearch "github.com/grafana/grafana-elasticsearch-datasource/pkg/elasticsearch"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

type question struct {
	URL      string            `json:"url"`
	Settings json.RawMessage   `json:"settings"`
	From     int64             `json:"from"`
	To       int64             `json:"to"`
	Targets  []json.RawMessage `json:"targets"`
}

type field struct {
	Name   string `json:"name"`
	Values []any  `json:"values"`
}

type frame struct {
	Name   string  `json:"name"`
	Fields []field `json:"fields"`
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	ctx := backend.WithGrafanaConfig(context.Background(), backend.NewGrafanaCfg(map[string]string{}))
	source, err := elasticsearch.NewDatasource(ctx, backend.DataSourceInstanceSettings{
		URL: asked.URL, JSONData: asked.Settings, DecryptedSecureJSONData: map[string]string{},
	})
	if err != nil {
		log.Fatal(err)
	}
	answers := [][]frame{}
	for _, target := range asked.Targets {
		answers = append(answers, ask(ctx, source.(backend.QueryDataHandler), asked, target))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

func ask(ctx context.Context, source backend.QueryDataHandler, asked question, target json.RawMessage) []frame {
	span := backend.TimeRange{From: time.UnixMilli(asked.From), To: time.UnixMilli(asked.To)}
	query := backend.DataQuery{RefID: "A", JSON: target, Interval: time.Minute, MaxDataPoints: 300, TimeRange: span}
	answer, err := source.QueryData(ctx, &backend.QueryDataRequest{Queries: []backend.DataQuery{query}})
	if err != nil {
		log.Fatal(err)
	}
	if answer.Responses["A"].Error != nil {
		log.Fatalf("%s: %s", target, answer.Responses["A"].Error)
	}
	frames := []frame{}
	for _, one := range answer.Responses["A"].Frames {
		frames = append(frames, read(one))
	}
	return frames
}

func read(one *data.Frame) frame {
	found := frame{Name: one.Name, Fields: []field{}}
	for _, column := range one.Fields {
		values := []any{}
		for number := range column.Len() {
			if value, ok := column.ConcreteAt(number); ok {
				values = append(values, value)
			} else {
				values = append(values, nil)
			}
		}
		found.Fields = append(found.Fields, field{Name: column.Name, Values: values})
	}
	return found
}
