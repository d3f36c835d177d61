package command

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/edgecsp/edgecsp/collector/config"
	"github.com/edgecsp/edgecsp/collector/configcmd"
)

// configCommand lets `config check` judge the collector's file, too: what has
// sites is one.
func configCommand(w World, streams configcmd.Streams) *cobra.Command {
	cmd := configcmd.New(streams)
	for _, sub := range cmd.Commands() {
		if sub.Name() != "check" {
			continue
		}
		filter := sub.RunE
		sub.Short = "Check the filter's configuration (JSON, envoy.yaml, Istio manifest) or the collector's"
		sub.Long += "\n\nThe collector's YAML file is checked with the secrets that it names: run it where\nthe collector runs, with its environment."
		sub.Example += "\n  edgecsp config check collector.yaml"
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			if !isCollectors(args[0]) {
				return filter(cmd, args)
			}
			return checkCollectors(w, args[0])
		}
	}
	return cmd
}

// isCollectors reports whether a file is the collector's configuration, even a
// faulty one: the filter's and Envoy's have no sites at the top.
func isCollectors(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, config.MaxFile))
	if err != nil {
		return false
	}
	var top map[string]yaml.Node
	if yaml.Unmarshal(b, &top) != nil {
		return false
	}
	_, ok := top["sites"]
	return ok
}

// checkCollectors says what is wrong with a file, all of it, or that it is good.
func checkCollectors(w World, file string) error {
	c := config.Default()
	err := readConfig(&c, file)
	if err == nil {
		err = inFile(file, c.Check())
	}
	if err == nil {
		_, err = settings(&c, w)
		err = inFile(file, err)
	}
	if err == nil {
		_, err = database(&c, w)
		err = inFile(file, err)
	}
	if err != nil {
		fmt.Fprintln(w.Stdout, err)
		return &configcmd.Refused{File: file}
	}
	_, err = fmt.Fprintf(w.Stdout, "%s: good\n", file)
	return err
}
