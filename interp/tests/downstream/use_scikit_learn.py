import numpy as np
from sklearn import cluster, datasets, decomposition, ensemble, linear_model, metrics, model_selection, naive_bayes, neighbors, neural_network, preprocessing, svm, tree
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

X, y = datasets.load_iris(return_X_y=True)
split = model_selection.train_test_split(X, y, random_state=0)
for model in (linear_model.LogisticRegression(max_iter=500), linear_model.RidgeClassifier(), linear_model.SGDClassifier(random_state=0), svm.SVC(), svm.LinearSVC(), tree.DecisionTreeClassifier(random_state=0),
              ensemble.RandomForestClassifier(20, random_state=0), ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0), ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0),
              neighbors.KNeighborsClassifier(), neighbors.KNeighborsClassifier(algorithm="kd_tree"), naive_bayes.GaussianNB(), neural_network.MLPClassifier(max_iter=300, random_state=0)):
    pipe = make_pipeline(preprocessing.StandardScaler(), model).fit(split[0], split[2])
    print(type(model).__name__, round(pipe.score(split[1], split[3]), 3))
A, b = datasets.make_regression(60, 4, noise=1, random_state=2)
for model in (linear_model.LinearRegression(), linear_model.Ridge(), linear_model.Lasso(0.1), linear_model.ElasticNet(0.1), linear_model.HuberRegressor(), ensemble.ExtraTreesRegressor(10, random_state=0), svm.SVR(C=10)):
    print(type(model).__name__, np.round(model.fit(A, b).predict(A[:3]), 1).tolist())
print(np.bincount(cluster.KMeans(3, n_init=3, random_state=0).fit(X).labels_).tolist(), np.unique(cluster.DBSCAN(eps=0.6).fit(X).labels_).tolist(), np.bincount(cluster.AgglomerativeClustering(3).fit(X).labels_).tolist())
print(np.abs(decomposition.PCA(2).fit_transform(X)[:2]).round(3).tolist(), decomposition.NMF(2, random_state=0, max_iter=500).fit(X).n_components_, decomposition.FastICA(2, random_state=0).fit_transform(X).shape)
print(TfidfVectorizer().fit_transform(["a cat sat", "the cat ran"]).toarray().round(3).tolist(), preprocessing.OneHotEncoder().fit_transform([["a"], ["b"]]).toarray().tolist())
p = model_selection.cross_val_score(linear_model.LogisticRegression(max_iter=500), X, y)
print(p.round(3).tolist(), metrics.confusion_matrix(y, y).tolist(), round(metrics.roc_auc_score(y > 0, X[:, 0]), 4), metrics.pairwise.rbf_kernel(X[:2]).round(4).tolist(), round(metrics.silhouette_score(X, y), 4))
print(model_selection.GridSearchCV(svm.SVC(), {"C": [1, 10]}).fit(X, y).best_params_)
