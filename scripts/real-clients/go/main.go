// What a program in Go does: client plain|stream BASE TENANT; a proxy comes from HTTP_PROXY, an authority of its own
// from SSL_CERT_FILE. Prints the version that was spoken and the text of the answer.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

type answer struct {
	Choices []struct {
		Message, Delta struct{ Content string }
	}
}

func main() {
	mode, base, tenant := os.Args[1], os.Args[2], os.Args[3]
	body := fmt.Sprintf(`{"model": "gpt-4o-mini", "max_tokens": 12, "stream": %t,
		"messages": [{"role": "user", "content": "Say something."}]}`, mode == "stream")
	request, err := http.NewRequest("POST", base+"/chat/completions", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer sk-test")
	if tenant != "" {
		request.Header.Set("X-Tenant-Id", tenant)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	text, err := read(response.Body, mode == "stream")
	if err != nil || response.StatusCode != 200 {
		log.Fatal(response.Status, " ", err)
	}
	fmt.Println(response.Proto, text)
}

func read(body io.Reader, streams bool) (text string, err error) {
	if !streams {
		var whole answer
		err = json.NewDecoder(body).Decode(&whole)
		if err == nil {
			text = whole.Choices[0].Message.Content
		}
		return text, err
	}
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data: {") {
			continue
		}
		data := strings.TrimPrefix(lines.Text(), "data: ")
		var chunk answer
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return text, err
		}
		for _, choice := range chunk.Choices {
			text += choice.Delta.Content
		}
	}
	return text, lines.Err()
}
