// Follows a video: go run . http://127.0.0.1:8080/v1/videos/final/events
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/launchdarkly/eventsource"
)

type comment struct{ ID, Text string }

type said struct {
	comment
	Totals   map[string]int64
	Comments []comment
}

func main() {
	stream, err := eventsource.SubscribeWithURL(os.Args[1],
		eventsource.StreamOptionCanRetryFirstConnection(-1), // the server may be starting
		eventsource.StreamOptionReadTimeout(45*time.Second), // Ovation is silent for --beat at most, 15 s
		eventsource.StreamOptionUseJitter(0.3),
		// Without a handler, errors wait in stream.Errors until somebody reads them, and so does the way back.
		eventsource.StreamOptionErrorHandler(func(error) eventsource.StreamErrorHandlerResult {
			return eventsource.StreamErrorHandlerResult{CloseNow: false}
		}))
	if err != nil {
		panic(err)
	}
	comments := map[string]string{}
	for event := range stream.Events {
		var now said
		if json.Unmarshal([]byte(event.Data()), &now) != nil {
			continue
		}
		list := now.Comments
		switch event.Event() {
		case "snapshot", "likes":
			fmt.Println("total", now.Totals["heart"]) // absolute: the newest is the truth
		case "comment":
			list = []comment{now.comment}
		case "retract":
			delete(comments, now.ID)
		case "reset":
			fmt.Println("missed some") // a snapshot follows
		}
		for _, each := range list {
			if _, known := comments[each.ID]; !known { // each once, also after a resumption
				comments[each.ID] = each.Text
				fmt.Println("comment", each.Text)
			}
		}
	}
}
