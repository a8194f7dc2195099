// SPDX-License-Identifier: Apache-2.0

// Evaluates a ValidatingAdmissionPolicy as the API server does: the rules of what it matches, then
// its match conditions, then variables when they are used, then all validations.
//
//	evaluate POLICY.yaml <requests.json >verdicts.json
//
// The library is the API server's own, and the environment has what Kubernetes 1.30 declares for
// these expressions and the policy may use: the standard library, the strings extension, and no
// other. object and request are untyped there too.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
	"gopkg.in/yaml.v3"
)

// The API server's limits (apiserver/pkg/apis/cel/config.go).
const (
	perCallLimit      = 1000000
	runtimeCostBudget = 10000000
)

type metadata struct {
	Name string `yaml:"name"`
}

type namedExpression struct {
	Name       string `yaml:"name"`
	Expression string `yaml:"expression"`
}

type validation struct {
	Expression        string `yaml:"expression"`
	MessageExpression string `yaml:"messageExpression"`
	Message           string `yaml:"message"`
	Reason            string `yaml:"reason"`
}

type resourceRule struct {
	APIGroups   []string `yaml:"apiGroups"`
	APIVersions []string `yaml:"apiVersions"`
	Operations  []string `yaml:"operations"`
	Resources   []string `yaml:"resources"`
}

type policySpec struct {
	FailurePolicy    string `yaml:"failurePolicy"`
	MatchConstraints struct {
		MatchPolicy   string         `yaml:"matchPolicy"`
		ResourceRules []resourceRule `yaml:"resourceRules"`
	} `yaml:"matchConstraints"`
	MatchConditions []namedExpression `yaml:"matchConditions"`
	Variables       []namedExpression `yaml:"variables"`
	Validations     []validation      `yaml:"validations"`
}

type policy struct {
	APIVersion string     `yaml:"apiVersion"`
	Kind       string     `yaml:"kind"`
	Metadata   metadata   `yaml:"metadata"`
	Spec       policySpec `yaml:"spec"`
}

type binding struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		PolicyName        string   `yaml:"policyName"`
		ValidationActions []string `yaml:"validationActions"`
	} `yaml:"spec"`
}

type request struct {
	Operation   string         `json:"operation"`
	Resource    string         `json:"resource"`
	SubResource string         `json:"subResource"`
	Namespace   map[string]any `json:"namespace"`
	Object      map[string]any `json:"object"`
	OldObject   map[string]any `json:"oldObject"`
}

type verdict struct {
	Matched bool     `json:"matched"`
	Denials []string `json:"denials"`
	Cost    uint64   `json:"cost"`
}

// An expression as compiled.
type program struct {
	name string
	cel.Program
}

type compiledValidation struct {
	holds, message program
	fallback       string
}

type compiled struct {
	spec        policySpec
	conditions  []program
	variables   []program
	validations []compiledValidation
}

// Both documents of the file; unknown fields are errors.
func load(path string) (*policy, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var loaded policy
	var bound binding
	if err := errors.Join(decoder.Decode(&loaded), decoder.Decode(&bound)); err != nil {
		return nil, err
	}
	if loaded.Kind != "ValidatingAdmissionPolicy" || bound.Kind != loaded.Kind+"Binding" ||
		bound.Spec.PolicyName != loaded.Metadata.Name ||
		!slices.Contains(bound.Spec.ValidationActions, "Deny") {
		return nil, fmt.Errorf("%s: not a policy and a binding that lets it deny", path)
	}
	return &loaded, nil
}

func compile(env *cel.Env, name, expression string, want *cel.Type) (program, *cel.Type, error) {
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return program{}, nil, fmt.Errorf("%s: %w", name, issues.Err())
	}
	if want != nil && !ast.OutputType().IsExactType(want) {
		return program{}, nil, fmt.Errorf("%s is %s, not %s", name, ast.OutputType(), want)
	}
	made, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize, cel.OptTrackCost),
		cel.CostLimit(perCallLimit))
	return program{name, made}, ast.OutputType(), err
}

func compileAll(spec policySpec) (*compiled, error) {
	env, err := cel.NewEnv(cel.HomogeneousAggregateLiterals(),
		cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), ext.Strings(ext.StringsVersion(2)),
		cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType),
		cel.Variable("request", cel.DynType))
	if err != nil {
		return nil, err
	}
	made := &compiled{spec: spec}
	for _, condition := range spec.MatchConditions {
		one, _, err := compile(env, condition.Name, condition.Expression, cel.BoolType)
		if err != nil {
			return nil, err
		}
		made.conditions = append(made.conditions, one)
	}
	if env, err = env.Extend(cel.Variable("namespaceObject", cel.DynType)); err != nil {
		return nil, err
	}
	for _, variable := range spec.Variables {
		one, kind, err := compile(env, "variables."+variable.Name, variable.Expression, nil)
		if err != nil {
			return nil, err
		}
		made.variables = append(made.variables, one)
		if env, err = env.Extend(cel.Variable(one.name, kind)); err != nil {
			return nil, err
		}
	}
	for i, validation := range spec.Validations {
		name := fmt.Sprintf("validations[%d]", i)
		holds, _, err := compile(env, name, validation.Expression, cel.BoolType)
		if err != nil {
			return nil, err
		}
		message, _, err := compile(env, name+".message", validation.MessageExpression, cel.StringType)
		if err != nil {
			return nil, err
		}
		made.validations = append(made.validations,
			compiledValidation{holds, message, validation.Message})
	}
	return made, nil
}

func (c *compiled) rulesCover(r *request) bool {
	resource := r.Resource
	if r.SubResource != "" {
		resource += "/" + r.SubResource
	}
	return slices.ContainsFunc(c.spec.MatchConstraints.ResourceRules, func(rule resourceRule) bool {
		return slices.Contains(rule.APIGroups, "") && slices.Contains(rule.APIVersions, "v1") &&
			slices.Contains(rule.Operations, r.Operation) &&
			slices.Contains(rule.Resources, resource)
	})
}

// What the expressions see. A field that is empty in the API server's request is not there.
func (r *request) inputs() map[string]any {
	metadata, _ := r.Namespace["metadata"].(map[string]any)
	seen := map[string]any{"operation": r.Operation, "namespace": metadata["name"]}
	if r.SubResource != "" {
		seen["subResource"] = r.SubResource
	}
	inputs := map[string]any{"object": r.Object, "request": seen, "oldObject": nil,
		"namespaceObject": r.Namespace}
	if r.OldObject != nil {
		inputs["oldObject"] = r.OldObject
	}
	return inputs
}

func (p program) run(inputs map[string]any, cost *uint64) ref.Val {
	value, details, err := p.Eval(inputs)
	if details != nil && details.ActualCost() != nil {
		*cost += *details.ActualCost()
	}
	if err != nil {
		return types.WrapErr(fmt.Errorf("%s: %w", p.name, err))
	}
	return value
}

func (v compiledValidation) check(inputs map[string]any, cost *uint64) string {
	holds := v.holds.run(inputs, cost)
	if holds == types.True {
		return ""
	}
	if types.IsError(holds) {
		return fmt.Sprint(holds)
	}
	message, ok := v.message.run(inputs, cost).Value().(string)
	if !ok || strings.TrimSpace(message) == "" || strings.Contains(message, "\n") {
		return v.fallback
	}
	return message
}

func (c *compiled) evaluate(r *request) verdict {
	result := verdict{Denials: []string{}}
	if !c.rulesCover(r) {
		return result
	}
	inputs := r.inputs()
	for _, condition := range c.conditions {
		holds := condition.run(inputs, &result.Cost)
		if types.IsError(holds) {
			result.Denials = append(result.Denials, fmt.Sprint(holds))
			return result
		}
		if holds != types.True {
			return result
		}
	}
	result.Matched = true
	for _, variable := range c.variables {
		// Evaluated when it is first used, and once.
		inputs[variable.name] = func() ref.Val { return variable.run(inputs, &result.Cost) }
	}
	for _, validation := range c.validations {
		if denial := validation.check(inputs, &result.Cost); denial != "" {
			result.Denials = append(result.Denials, denial)
		}
	}
	if result.Cost > runtimeCostBudget {
		result.Denials = append(result.Denials, "the policy costs more than its budget")
	}
	return result
}

func run(path string, input io.Reader, output io.Writer) error {
	loaded, err := load(path)
	if err != nil {
		return err
	}
	made, err := compileAll(loaded.Spec)
	if err != nil {
		return err
	}
	var requests []request
	if err := json.NewDecoder(input).Decode(&requests); err != nil {
		return err
	}
	verdicts := []verdict{}
	for i := range requests {
		verdicts = append(verdicts, made.evaluate(&requests[i]))
	}
	return json.NewEncoder(output).Encode(verdicts)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: evaluate POLICY.yaml <requests.json >verdicts.json")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "evaluate:", err)
		os.Exit(1)
	}
}
