// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture_live.hpp"
#include "capture_replay_file.hpp"

namespace audio_latency {

// Capture files, merged by time. Each file is a node with its own scanner; event time is capture time. One thread.
class ReplayCapture : public Capture {
 public:
  // `stateless`: every packet on its own, the configured selectivity, verbatim over the whole payload.
  static Result<std::unique_ptr<ReplayCapture>> open(const Options& options, const std::vector<std::string>& paths,
                                                     bool stateless = false);
  // The same over files that are open already.
  ReplayCapture(const Options& options, std::vector<std::unique_ptr<CaptureFile>> files, bool stateless);

  // Hands over a batch of packets' observations. Never an error: see broken_files().
  Result<bool> drain(ObservationSink& sink) override;
  EventTime now() const override { return now_; }

  Status set_payload_sink(PayloadSink* sink) override;
  TreatmentSink& treatments() override { return treatments_; }

  // What a live capture would have counted; the interface's name is the file's.
  LiveCaptureStats stats() const;
  std::uint64_t cut_packets() const { return cut_packets_; }  // shorter in the file than on the wire
  // A sentence for each file that ended early or turned out corrupt.
  const std::vector<std::string>& broken_files() const { return broken_files_; }

 private:
  struct Source {
    std::unique_ptr<CaptureFile> file;
    std::unique_ptr<PacketScanner> scanner;
    CapturedPacket pending;
    bool ended = false;
  };

  // Each file's flows are its scanner's.
  class Treatments : public TreatmentSink {
   public:
    explicit Treatments(std::vector<Source>& sources) : sources_(sources) {}
    void treat(const FlowKey& flow, const CapturePoint& point, bool tunnelled, al_treatment treatment) override;

   private:
    std::vector<Source>& sources_;
  };

  void fetch(Source& source);
  Source* earliest();

  std::vector<Source> sources_;
  Treatments treatments_{sources_};
  EventTime flow_timeout_ns_;
  EventTime now_ = 0;
  EventTime aged_ = 0;
  std::uint64_t cut_packets_ = 0;
  std::uint64_t observations_ = 0;
  std::vector<std::string> broken_files_;
};

}  // namespace audio_latency
