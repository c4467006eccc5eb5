// SPDX-License-Identifier: Apache-2.0
#include "identity_pod_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace audio_latency {
namespace {

using Json = nlohmann::json;

Json pod_json() {
  return Json::parse(R"({"metadata": {"name": "asr-7d4b9c6f5-x2x9z", "namespace": "media", "uid": "u1",
    "labels": {"pod-template-hash": "7d4b9c6f5", "app": "speech"},
    "ownerReferences": [{"kind": "ReplicaSet", "name": "asr-7d4b9c6f5", "controller": true}]},
    "spec": {"nodeName": "node-1", "containers": [{"ports": [{"containerPort": 5004, "protocol": "UDP"}]}]},
    "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "2001:db8::1"}]}})");
}

std::string workload(const char* kind, const char* owner, const char* labels = "{}") {
  Json json = pod_json();
  json["metadata"]["labels"] = Json::parse(labels);
  json["metadata"]["ownerReferences"][0]["kind"] = kind;
  json["metadata"]["ownerReferences"][0]["name"] = owner;
  return pod_of(json)->workload;
}

TEST(PodJson, KnownAnswer) {
  const auto pod = pod_of(pod_json());
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->uid, "u1");
  EXPECT_EQ(pod->name, "asr-7d4b9c6f5-x2x9z");
  EXPECT_EQ(pod->namespace_name, "media");
  EXPECT_EQ(pod->node, "node-1");
  EXPECT_EQ(pod->workload, "asr");
  ASSERT_EQ(pod->addresses.size(), 2U);
  EXPECT_EQ(pod->addresses[1].to_string(), "2001:db8::1");
  EXPECT_FALSE(pod->host_network);
  EXPECT_FALSE(pod->finished);
  EXPECT_TRUE(pod->ports.empty());
}

TEST(PodJson, Workloads) {
  EXPECT_EQ(workload("ReplicaSet", "asr-abc", R"({"pod-template-hash": "abc"})"), "asr");
  EXPECT_EQ(workload("ReplicaSet", "asr-abc", R"({"pod-template-hash": "xyz"})"), "asr-abc");
  EXPECT_EQ(workload("ReplicaSet", "asr-abc"), "asr-abc");
  EXPECT_EQ(workload("DaemonSet", "rtpengine"), "rtpengine");
  EXPECT_EQ(workload("StatefulSet", "queue"), "queue");
  EXPECT_EQ(workload("Job", "nightly-28912345"), "nightly");
  EXPECT_EQ(workload("Job", "nightly-1700000000"), "nightly");
  EXPECT_EQ(workload("Job", "import-42"), "import-42");
  EXPECT_EQ(workload("Node", "x2x9z"), "asr-7d4b9c6f5");
}

TEST(PodJson, WorkloadWithoutOwner) {
  Json json = pod_json();
  json["metadata"].erase("ownerReferences");
  EXPECT_EQ(pod_of(json)->workload, "speech");
  json["metadata"]["labels"]["app.kubernetes.io/name"] = "recogniser";
  EXPECT_EQ(pod_of(json)->workload, "recogniser");
  json["metadata"].erase("labels");
  EXPECT_EQ(pod_of(json)->workload, "asr-7d4b9c6f5-x2x9z");
}

TEST(PodJson, Finished) {
  for (const char* phase : {"Succeeded", "Failed"}) {
    Json json = pod_json();
    json["status"]["phase"] = phase;
    EXPECT_TRUE(pod_of(json)->finished) << phase;
  }
  Json json = pod_json();
  json["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_FALSE(pod_of(json)->finished) << "calls may go on while it terminates";
  json["status"]["containerStatuses"] = Json::parse(R"([{"state": {"terminated": {}}}, {"state": {"running": {}}}])");
  EXPECT_FALSE(pod_of(json)->finished);
  json["status"]["containerStatuses"][1]["state"] = Json::parse(R"({"terminated": {}})");
  EXPECT_TRUE(pod_of(json)->finished);
}

TEST(PodJson, HostNetworkDeclaresPorts) {
  Json json = pod_json();
  json["spec"]["hostNetwork"] = true;
  const auto pod = pod_of(json);
  EXPECT_TRUE(pod->host_network);
  ASSERT_EQ(pod->ports.size(), 2U);
  EXPECT_EQ(pod->ports[0].port, 5004);
  EXPECT_EQ(pod->ports[0].protocol, 17);
}

TEST(PodJson, SurvivesWhatIsNoPod) {
  for (const char* text : {"null", "[]", "{}", R"({"metadata": 1})", R"({"metadata": {"uid": "u"}})",
                           R"({"metadata": {"uid": 1, "name": []}, "spec": "x", "status": [1]})"}) {
    EXPECT_FALSE(pod_of(Json::parse(text))) << text;
  }
  const auto odd = pod_of(Json::parse(
      R"({"metadata": {"uid": "u", "name": "n", "labels": [], "ownerReferences": {"a": 1}},
          "spec": {"containers": 7}, "status": {"podIPs": ["x", {"ip": 5}, null], "podIP": "300.0.0.1"}})"));
  ASSERT_TRUE(odd);
  EXPECT_TRUE(odd->addresses.empty());
}

TEST(ServiceJson, PortsOfEachClusterAddress) {
  const auto service = service_of(Json::parse(R"({"metadata": {"uid": "s", "name": "asr", "namespace": "media"},
    "spec": {"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "2001:db8::7"],
             "ports": [{"port": 80}, {"port": 5004, "protocol": "UDP"}, {"port": 9, "protocol": "SCTP"}]}})"));
  ASSERT_TRUE(service);
  EXPECT_EQ(service->ports.size(), 4U);
  EXPECT_EQ(service->ports[0].protocol, 6);
  EXPECT_FALSE(service_of(Json::parse(R"({"metadata": {"uid": "s", "name": "asr"},
    "spec": {"clusterIP": "None", "ports": [{"port": 80}]}})")));
}

}  // namespace
}  // namespace audio_latency
