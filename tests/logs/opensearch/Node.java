import static org.codelibs.opensearch.runner.OpenSearchRunner.newConfigs;

import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One OpenSearch node on 127.0.0.1 without security: `Node FOLDER PORT SNAPSHOTS`; it ends with SIGTERM. */
public class Node {
  public static void main(String[] arguments) throws Exception {
    OpenSearchRunner runner = new OpenSearchRunner();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        runner.close();
      } catch (Exception error) {
        error.printStackTrace();
      }
    }));
    runner.onBuild((number, settings) -> {
      settings.put("http.host", "127.0.0.1");
      settings.put("http.port", arguments[1]);
      settings.put("transport.host", "127.0.0.1");
      settings.put("discovery.type", "single-node");
      settings.put("path.repo", arguments[2]);
      // What the runner sets for several nodes, which a single one refuses.
      settings.remove("cluster.initial_cluster_manager_nodes");
      settings.remove("cluster.initial_master_nodes");
      settings.remove("discovery.seed_hosts");
      // A full disk of the machine that runs the tests is not what they are about.
      settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
    }).build(newConfigs().clusterName("logs").numOfNode(1).basePath(arguments[0]).useLogger());
    Thread.currentThread().join();
  }
}
